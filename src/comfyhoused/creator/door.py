"""What the web program takes from Creator.

It loads this only where Creator is open (else `creator.closed`): with the database's library it
takes a third of the start.
"""

from comfyhoused.creator.closed import CreatorNotSetUp
from comfyhoused.creator.opening import open_creator, wait_for_schema
from comfyhoused.creator.routes import install_creator
from comfyhoused.creator.screens.plan_cards import list_plan_cards

#: An error of another house; here it has a page, as every error has.
RAISED_WHERE_CLOSED = CreatorNotSetUp

__all__ = ["install_creator", "list_plan_cards", "open_creator", "wait_for_schema"]
