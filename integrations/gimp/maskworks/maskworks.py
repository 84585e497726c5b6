#!/usr/bin/env python3
"""Cut out (Maskworks): the subject of the picture as a new layer with alpha. For GIMP 3.

Not tested in GIMP: only `service.py` is. Copy the folder into GIMP's ``plug-ins``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp, Gio, GLib  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parent))
from service import ServiceError, cutout  # noqa: E402

NAME = "maskworks-cut-out"


class Maskworks(Gimp.PlugIn):
    """The plug-in as GIMP sees it."""

    def do_query_procedures(self):
        """Return what there is."""
        return [NAME]

    def do_create_procedure(self, name):
        """Return the one procedure."""
        made = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, self.run, None)
        made.set_image_types("*")
        made.set_menu_label("Cut out (Maskworks)")
        made.add_menu_path("<Image>/Layer/Transparency")
        made.set_documentation(
            "Cut the subject out", "By a Maskworks service on this machine", name
        )
        return made

    def run(self, procedure, mode, image, _drawables, _config, _data):
        """Send what is seen, and lay the answer over it as a layer."""
        with tempfile.TemporaryDirectory() as folder:
            sent, came = Path(folder, "sent.png"), Path(folder, "cut-out.png")
            copy = image.duplicate()
            copy.flatten()
            Gimp.file_save(mode, copy, Gio.File.new_for_path(str(sent)), None)
            copy.delete()
            try:
                content, status, confidence = cutout(sent.read_bytes())
            except ServiceError as error:
                failed = Gimp.PDBStatusType.EXECUTION_ERROR
                return procedure.new_return_values(failed, GLib.Error(str(error)))
            came.write_bytes(content)
            layer = Gimp.file_load_layer(mode, image, Gio.File.new_for_path(str(came)))
            layer.set_name(f"cut-out: {status} {confidence}".strip())
            image.insert_layer(layer, None, 0)
            Gimp.displays_flush()
        return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, GLib.Error())


if __name__ == "__main__":
    Gimp.main(Maskworks.__gtype__, sys.argv)
