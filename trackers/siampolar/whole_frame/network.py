"""The whole-frame networks: SiamPolarMask of one backbone, SiamPolar of two.

Both see the frame whole, resized to one size without keeping its aspect, and look for the object of
a template in it. Only what follows the correlation depends on the template, so the backbone's
features of a frame serve all of its objects.
"""

from torch import Tensor, nn

from vostool_trackers.siamese.model.backbone import normalised
from vostool_trackers.siamese.model.pyramid import LEVELS, Level, Neck, Pyramid
from vostool_trackers.siampolar.whole_frame.correlation import Attention, Fusion
from vostool_trackers.siampolar.whole_frame.head import FrameHead, FrameMaps
from vostool_trackers.siampolar.whole_frame.shape import FrameShape

Features = dict[Level, Tensor]


class FrameNetwork(nn.Module):
    """Siamese network over a whole frame, with PolarMask's head.

    Beside the published ones it differs in this: one class, being the template's object, instead of
    one class per sequence of the data; no box branch; the template is normalised like the frame;
    torchvision's ResNets (stride in the 3 x 3 convolution) and their normalisation of RGB.

    Args:
        shape: what decides the tensors.
        pretrained: the backbones start from torchvision's ImageNet weights, see `Pyramid`.

    Raises:
        WeightsError: the ImageNet weights cannot be had.
    """

    def __init__(self, shape: FrameShape, *, pretrained: bool = False) -> None:
        super().__init__()
        self.shape = shape
        self.backbone = Pyramid(shape.backbone, pretrained=pretrained)
        if shape.variant == "asym":
            deepest = max(shape.correlate, key=LEVELS.index)
            self.template_backbone = Pyramid(
                shape.template_backbone, deepest, pretrained=pretrained
            )
        channels = dict(zip(LEVELS, self.backbone.channels, strict=True))
        self.correlations = nn.ModuleDict(
            {
                name: Fusion(channels[name]) if shape.variant == "sym" else Attention()
                for name in shape.correlate
            }
        )
        self.neck = Neck(
            [channels[name] for name in shape.neck_levels],
            shape.channels,
            shape.levels,
            smooth=shape.neck == "fpn",
            learned=shape.extra == "conv",
        )
        longest = 2.0 * max(shape.size)
        self.head = FrameHead(shape.channels, shape.depth, shape.rays, shape.levels, longest)

    def kernels(self, template: Tensor) -> list[Tensor]:
        """Return what a template is to be known by: features (N, C, h, w) per correlated level.

        Args:
            template: (N, 3, 127, 127), normalised.
        """
        asym = self.shape.variant == "asym"
        features = (self.template_backbone if asym else self.backbone)(template)
        return [features[name] for name in self.shape.correlate]

    def features(self, search: Tensor) -> Features:
        """Return what a frame is known by, whatever is looked for in it.

        Args:
            search: (B, 3, H, W) of the shape's size, normalised.
        """
        assert search.shape[-2:] == self.shape.size, (search.shape, self.shape.size)
        features: Features = self.backbone(search)
        return features

    def search(self, kernels: list[Tensor], features: Features) -> FrameMaps:
        """Return the maps of N objects.

        Args:
            kernels: of N templates.
            features: of N frames, or of one frame for all templates.
        """
        matched = features | {
            name: self.correlations[name](features[name], kernel)
            for name, kernel in zip(self.shape.correlate, kernels, strict=True)
        }
        levels = self.neck([matched[name] for name in self.shape.neck_levels])
        count = len(kernels[0])
        # A level that no correlated features reach is the same for all objects.
        levels = [x.expand(count, -1, -1, -1) if len(x) < count else x for x in levels]
        maps: FrameMaps = self.head(levels)
        return maps

    def forward(self, template: Tensor, search: Tensor) -> FrameMaps:
        """Return the maps of pairs of template and frame, RGB of 0 to 255."""
        return self.search(self.kernels(normalised(template)), self.features(normalised(search)))
