"""The words that Creator's rows and screens use for states; permanent, as they are stored."""

SOURCE_KINDS = ("drive", "local")

#: `paused` or `removed` by its owner; `reconnect` and `broken` by what happened, with `problem`
#: saying why. A removed source is shown nowhere; its edits are.
SOURCE_STATES = ("active", "paused", "reconnect", "broken", "removed")

#: `seen` (may still be growing) → `complete`: it has an edit; or `skipped` with its reason.
#: `backlog`: it was there before the source was connected and waits for its owner's choice.
#: `waiting`: it is to be edited as soon as its owner's plan has units (creator/edits/creating.py).
PHOTO_STATES = ("seen", "backlog", "waiting", "complete", "skipped")

#: `waiting` (paid for; the original is fetched and prepared) → `in_line` (a server has the job)
#: → `running` → `finishing` (the result is being made of the output) → `finished`,
#: or `failed` / `canceled` at any time before.
EDIT_STATES = ("waiting", "in_line", "running", "finishing", "finished", "failed", "canceled")
OPEN_EDIT_STATES = EDIT_STATES[:4]

#: `held` until its owner approves; `due` → `delivered`, or `failed` (tried again when asked);
#: `rejected` by its owner: the picture stays with us only.
DELIVERY_STATES = ("held", "due", "delivered", "failed", "rejected")

#: `reserve` → `settle` | `release`; `credit` gives a settled unit back, once.
ENTRY_KINDS = ("reserve", "settle", "release", "credit")
