"""SAM 2 on a stream: the video predictor of the package wants the whole video, this wants a frame.

What a frame leaves behind is kept as long as the network looks back, and no longer: the spatial
memory of the last six frames, the object pointers of the last fifteen, and the frame of the prompt.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

Output = dict[str, Any]


@dataclass
class Track:
    """One object and what is remembered of it.

    Args:
        object_id: id in the label maps.
        memory: as `sam2` wants it: the frame of the prompt, and the frames after it, by index.
    """

    object_id: int
    memory: dict[str, dict[int, Output]] = field(
        default_factory=lambda: {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}
    )


class Features:
    """What the image encoder sees in a frame; computed once for all objects."""

    def __init__(self, network: Any, image: Tensor) -> None:
        seen = network.forward_image(image)
        _, self.vision, self.positions, self.sizes = network._prepare_backbone_features(seen)


class Stream:
    """Follows objects through frames that come one at a time."""

    def __init__(self, network: Any) -> None:
        self.network = network
        self._tracks: dict[int, Track] = {}
        self._index = -1

    @property
    def tracks(self) -> dict[int, Track]:
        """Return the objects that are followed, by id."""
        return self._tracks

    def forget(self) -> None:
        """Start a new video."""
        self._tracks.clear()
        self._index = -1

    def advance(self) -> None:
        """Count a frame."""
        self._index += 1

    def start(
        self,
        object_id: int,
        features: Features,
        *,
        mask: Tensor | None = None,
        points: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """Begin with an object, again if it is followed already.

        Args:
            object_id: its id.
            features: of this frame.
            mask: (1, 1, side, side) of zeros and ones; or
            points: as `network.box_points` gives them.

        Returns:
            (1, 1, side / 4, side / 4) logits.
        """
        track = Track(object_id)
        output = self._step(track, features, True, mask=mask, points=points)
        logits: Tensor = output["pred_masks"]
        whole = torch.nn.functional.interpolate(
            logits, size=(self.network.image_size,) * 2, mode="bilinear", align_corners=False
        )
        memory, places = self.network._encode_new_memory(
            current_vision_feats=features.vision,
            feat_sizes=features.sizes,
            pred_masks_high_res=whole,
            object_score_logits=output["object_score_logits"],
            is_mask_from_pts=True,
        )
        output |= {"maskmem_features": memory.to(torch.bfloat16), "maskmem_pos_enc": places}
        track.memory["cond_frame_outputs"][self._index] = output
        self._tracks[object_id] = track
        return logits

    def follow(self, object_id: int, features: Features) -> Tensor:
        """Return the logits of an object on this frame, (1, 1, side / 4, side / 4)."""
        track = self._tracks[object_id]
        output = self._step(track, features, False)
        output["maskmem_features"] = output["maskmem_features"].to(torch.bfloat16)
        recent = track.memory["non_cond_frame_outputs"]
        recent[self._index] = output
        self._drop_old(recent)
        logits: Tensor = output.pop("pred_masks")
        return logits

    def _step(
        self,
        track: Track,
        features: Features,
        is_start: bool,
        mask: Tensor | None = None,
        points: dict[str, Tensor] | None = None,
    ) -> Output:
        output = self.network.track_step(
            frame_idx=self._index,
            is_init_cond_frame=is_start,
            current_vision_feats=features.vision,
            current_vision_pos_embeds=features.positions,
            feat_sizes=features.sizes,
            point_inputs=points,
            mask_inputs=mask,
            output_dict=track.memory,
            num_frames=2**31,  # nobody knows how many will come
            run_mem_encoder=not is_start,  # at the start it sees a mask of zeros and ones
        )
        names = "pred_masks", "obj_ptr", "object_score_logits", "maskmem_features"
        return {name: output[name] for name in (*names, "maskmem_pos_enc")}

    def _drop_old(self, recent: dict[int, Output]) -> None:
        """Forget what the network does not look at any more."""
        network = self.network
        for index in list(recent):
            age = self._index + 1 - index  # as seen from the next frame
            if age >= network.max_obj_ptrs_in_encoder:
                del recent[index]
            elif age >= network.num_maskmem:
                recent[index]["maskmem_features"] = None
                recent[index]["maskmem_pos_enc"] = None
