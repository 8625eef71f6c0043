"""The color model, started from a box."""

from vostool.tracking.base import PerObject, SingleObject
from vostool_trackers.color_model.settings import Config
from vostool_trackers.color_model.single import ColorObject


class ColorModelBox(PerObject):
    """Carry the same models, starting from what GrabCut finds in a box."""

    init = "box"
    summary = "color models of object and background, from a box"
    Config = Config

    def new_object(self) -> SingleObject:
        return ColorObject(self.config, self.runtime.seed)
