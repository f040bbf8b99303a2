"""The look of every page: `install(app, service_templates=…)` gives a service the frames, the macros and the assets."""

from shared.web.ui.pages import POLICY, Templates, install, templates_of

__all__ = ["POLICY", "Templates", "install", "templates_of"]
