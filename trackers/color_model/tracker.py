"""The color model, started from a mask."""

from vostool.tracking.base import PerObject, SingleObject
from vostool_trackers.color_model.settings import Config
from vostool_trackers.color_model.single import ColorObject


class ColorModel(PerObject):
    """Carry color models of object and background from frame to frame, starting from a mask."""

    init = "mask"
    summary = "color models of object and background, from a mask"
    Config = Config

    def new_object(self) -> SingleObject:
        return ColorObject(self.config, self.runtime.seed)
