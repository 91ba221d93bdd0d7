"""What Creator keeps in Postgres. Queries live beside the ideas that need them.

No relationships: a query says what it reads. Instants are aware UTC. States are texts with a check,
listed in `creator/words.py`. Ids carry a prefix and are made by us, so that a row can be named
before it is stored.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from comfyhoused.creator.words import (
    DELIVERY_STATES,
    EDIT_STATES,
    ENTRY_KINDS,
    PHOTO_STATES,
    SOURCE_KINDS,
    SOURCE_STATES,
)


class Table(DeclarativeBase):
    """The base of all tables; migrations compare themselves with it."""

    type_annotation_map = {
        datetime: DateTime(timezone=True),
        # None is no document: what has none is found and passed over as in every other column.
        dict[str, Any]: JSONB(none_as_null=True),
        str: Text,
        bytes: LargeBinary,
    }


def _one_of(column: str, words: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def _user() -> Mapped[str]:
    return mapped_column(ForeignKey("users.id", ondelete="CASCADE"))


class User(Table):
    """A Creator customer. `google_sub` is who they are; the e-mail address may change.

    `deleting_at`: they asked to be erased; they cannot come in any more, and a chore erases them.
    `retry_before`: they asked to have all tried again; a chore is at those that failed before it.
    """

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(primary_key=True)
    google_sub: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str]
    name: Mapped[str] = mapped_column(server_default="")
    plan: Mapped[str] = mapped_column(server_default="free")
    overage_cap_cents: Mapped[int] = mapped_column(Integer, server_default="0")
    onboarded_at: Mapped[datetime | None]
    mail_results: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    mail_problems: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    digested_at: Mapped[datetime | None]
    deleting_at: Mapped[datetime | None]
    retry_before: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        Index("users_retrying", "id", postgresql_where=text("retry_before IS NOT NULL")),
        Index("users_leaving", "deleting_at", postgresql_where=text("deleting_at IS NOT NULL")),
    )


class Session(Table):
    """A signed-in browser. The cookie holds the secret, the row its SHA-256."""

    __tablename__ = "sessions"

    digest: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = _user()
    browser: Mapped[str] = mapped_column(String(200), server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]

    __table_args__ = (Index("sessions_of_user", "user_id"),)


class Connection(Table):
    """A Google account that was given to us. `sealed_tokens`: AES-GCM, `kit/vault.py`.

    `mode` is what the probe found: `full` (a watched folder) or `per_file` (what came through us).
    `state`: `connected`, or `reconnect` once Google has taken the grant back. `page_token` is how
    far its changes feed is read. One watcher reads it at a time: `lease_holder`, until
    `lease_until`; the next look is due at `next_look_at`, later after `misses` failures in a row.
    The tokens are those of `refreshed_at`, the access token good until `expires_at`; one process
    at a time asks for another, until `refreshing_until`. A connection that its user has ended has
    no tokens and waits as `reconnect`, for as long as there are sources of it.
    """

    __tablename__ = "connections"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = _user()
    google_sub: Mapped[str]
    email: Mapped[str]
    scopes: Mapped[str]
    mode: Mapped[str] = mapped_column(server_default="per_file")
    state: Mapped[str] = mapped_column(server_default="connected")
    sealed_tokens: Mapped[bytes]
    expires_at: Mapped[datetime]
    refreshed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    refreshing_until: Mapped[datetime | None]
    page_token: Mapped[str | None]
    polled_at: Mapped[datetime | None]
    next_look_at: Mapped[datetime] = mapped_column(server_default=func.now())
    misses: Mapped[int] = mapped_column(Integer, server_default="0")
    lease_until: Mapped[datetime | None]
    lease_holder: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        UniqueConstraint("user_id", "google_sub"),
        CheckConstraint("mode IN ('full', 'per_file')", name="mode_known"),
        CheckConstraint("state IN ('connected', 'reconnect')", name="state_known"),
    )


class Channel(Table):
    """A push channel of a connection at Google; it ends by itself, so that the next overlaps it."""

    __tablename__ = "channels"

    id: Mapped[str] = mapped_column(primary_key=True)
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    token_digest: Mapped[str]
    resource_id: Mapped[str] = mapped_column(server_default="")
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index("channels_of_connection", "connection_id"),)


class Source(Table):
    """A watched folder: originals in `raw_key`, results into `edited_key`.

    Keys are Drive ids, or paths relative to the operator's folder of local sources. A source that
    was removed keeps its row, so that its edits stay and the same folder starts where it ended.
    `reconciled_at`: when it was last listed whole; None: never, so that what is there now was
    there before. Watchers hold it as they hold a connection.
    """

    __tablename__ = "sources"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = _user()
    connection_id: Mapped[str | None] = mapped_column(
        ForeignKey("connections.id", ondelete="CASCADE")
    )
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="active")
    name: Mapped[str]
    raw_key: Mapped[str]
    edited_key: Mapped[str]
    preset: Mapped[str]
    strength: Mapped[int] = mapped_column(Integer, server_default="60")
    parameters: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    name_template: Mapped[str] = mapped_column(server_default="{name}_{preset}")
    approves_first: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    has_subfolders: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    backlog: Mapped[str] = mapped_column(server_default="skip")
    reconciled_at: Mapped[datetime | None]
    next_look_at: Mapped[datetime] = mapped_column(server_default=func.now())
    misses: Mapped[int] = mapped_column(Integer, server_default="0")
    lease_until: Mapped[datetime | None]
    lease_holder: Mapped[str | None]
    problem: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        UniqueConstraint("user_id", "kind", "raw_key"),
        Index("sources_of_connection", "connection_id"),
        _one_of("kind", SOURCE_KINDS),
        _one_of("state", SOURCE_STATES),
        CheckConstraint("strength BETWEEN 0 AND 100", name="strength_range"),
        CheckConstraint("backlog IN ('skip', 'edit')", name="backlog_known"),
    )


class Photo(Table):
    """One revision of one file that was seen in a source; `skip_code` says why it has no edit.

    The identity is (file_key, revision); names may repeat. `looked_at` is when this revision was
    first seen: a file that still grows shows another at the next look. A row without an edit is
    taken over by the file's next revision. `known_by` tells a file on a disk again when it has
    another name (creator/moves.py). `preview_file` and `thumb_file` are keys of our storage
    (creator/edits/pictures.py): the picture before any edit.
    """

    __tablename__ = "photos"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = _user()
    source_id: Mapped[str] = mapped_column(ForeignKey("sources.id", ondelete="CASCADE"))
    file_key: Mapped[str]
    revision: Mapped[str]
    folder: Mapped[str] = mapped_column(server_default="")
    name: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    content_type: Mapped[str] = mapped_column(server_default="")
    known_by: Mapped[str | None]
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(server_default="seen")
    skip_code: Mapped[str | None]
    skip_detail: Mapped[str | None]
    preview_file: Mapped[str | None]
    thumb_file: Mapped[str | None]
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    looked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    complete_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("source_id", "file_key", "revision"),
        _one_of("state", PHOTO_STATES),
        Index("photos_of_user", "user_id", "seen_at", "id"),
        Index("photos_by_state", "user_id", "source_id", "state"),
        Index(
            "photos_waiting", "user_id", "seen_at", "id", postgresql_where=text("state = 'waiting'")
        ),
        Index("photos_open", "source_id", "looked_at", postgresql_where=text("state = 'seen'")),
        Index(
            "photos_skipped",
            "user_id",
            "skip_code",
            postgresql_where=text("skip_code IS NOT NULL"),
        ),
    )


class Placement(Table):
    """A file that we put into a user's folder, known before its first byte is there.

    It tells our own results from photos when they come back through Raw under another name, and
    keeps a local folder from being given the same file twice. `key` is the file's upload key,
    `digest` the MD5 of its bytes (what Drive tells, too), `place` where it lies below the
    operator's folder of local sources (None on Drive).
    """

    __tablename__ = "placements"

    key: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = _user()
    is_result: Mapped[bool] = mapped_column(Boolean)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(String(32))
    place: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index("placements_of_user", "user_id", "size_bytes"),)


class Edit(Table):
    """One photo's journey: (photo, preset, version, parameters) is charged once.

    `job_id` is made with the row: creating the job is idempotent by it. `next_try_at` is when a
    worker looks at it again, `lease_until` how long the one that holds it may work. `setbacks`
    counts what went wrong on our side in this round: too many end it. Files are keys of our
    storage (creator/edits/pictures.py), but for `prepared_file` and `output_file`: these are ids
    of files, the job's input and output. They are None before they exist and after they were
    dropped.
    """

    __tablename__ = "edits"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = _user()
    photo_id: Mapped[str] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"))
    source_id: Mapped[str] = mapped_column(ForeignKey("sources.id", ondelete="CASCADE"))
    preset: Mapped[str]
    preset_version: Mapped[str]
    strength: Mapped[int] = mapped_column(Integer)
    parameters: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    parameters_digest: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="waiting")
    round: Mapped[int] = mapped_column(Integer, server_default="1")
    job_id: Mapped[str] = mapped_column(unique=True)
    tries: Mapped[int] = mapped_column(Integer, server_default="0")
    setbacks: Mapped[int] = mapped_column(Integer, server_default="0")
    next_try_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    lease_until: Mapped[datetime | None]
    lease_holder: Mapped[str | None]
    original_file: Mapped[str | None]
    prepared_file: Mapped[str | None]
    output_file: Mapped[str | None]
    result_file: Mapped[str | None]
    preview_file: Mapped[str | None]
    thumb_file: Mapped[str | None]
    report: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    is_credited: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    wrong_reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("photo_id", "preset", "preset_version", "parameters_digest"),
        _one_of("state", EDIT_STATES),
        Index("edits_of_user", "user_id", "created_at", "id"),
        Index("edits_due", "next_try_at", postgresql_where=text("next_try_at IS NOT NULL")),
        Index(
            "edits_open",
            "user_id",
            "created_at",
            "id",
            postgresql_where=text("state IN ('waiting', 'in_line', 'running', 'finishing')"),
        ),
        Index("edits_by_state", "user_id", "state", "finished_at"),
        Index("edits_of_photo", "photo_id"),
        Index("edits_of_source", "source_id", "created_at", "id"),
    )


class Delivery(Table):
    """A finished picture on its way into the Edited folder: a step of its own, tried again.

    `upload_key` is the id the file will have there, taken before the first byte is sent, so that
    a retry cannot make a second file. `session_url` is a resumable upload that has begun.
    """

    __tablename__ = "deliveries"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = _user()
    edit_id: Mapped[str] = mapped_column(ForeignKey("edits.id", ondelete="CASCADE"), unique=True)
    source_id: Mapped[str] = mapped_column(ForeignKey("sources.id", ondelete="CASCADE"))
    state: Mapped[str]
    name: Mapped[str] = mapped_column(server_default="")
    upload_key: Mapped[str | None]
    session_url: Mapped[str | None]
    url: Mapped[str | None]
    tries: Mapped[int] = mapped_column(Integer, server_default="0")
    setbacks: Mapped[int] = mapped_column(Integer, server_default="0")
    next_try_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    lease_until: Mapped[datetime | None]
    lease_holder: Mapped[str | None]
    error: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    delivered_at: Mapped[datetime | None]

    __table_args__ = (
        _one_of("state", DELIVERY_STATES),
        Index("deliveries_by_state", "user_id", "state"),
        Index("deliveries_of_source", "source_id"),
        Index("deliveries_due", "next_try_at", postgresql_where=text("next_try_at IS NOT NULL")),
    )


class Book(Table):
    """A user's sums of one month (`YYYY-MM`): the row that is locked while units are reserved.

    `included` is what the plan held when a unit was last reserved or charged. `beyond` of the
    charged units were not in it and cost `owed_cents` together; `held` of the reserved ones will
    cost `held_cents` at most. A price is agreed with the reservation: another plan or another
    price list later changes nothing of it.
    """

    __tablename__ = "books"

    user_id: Mapped[str] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    period: Mapped[str] = mapped_column(String(7), primary_key=True)
    reserved: Mapped[int] = mapped_column(Integer, server_default="0")
    charged: Mapped[int] = mapped_column(Integer, server_default="0")
    credited: Mapped[int] = mapped_column(Integer, server_default="0")
    included: Mapped[int] = mapped_column(Integer, server_default="0")
    beyond: Mapped[int] = mapped_column(Integer, server_default="0")
    owed_cents: Mapped[int] = mapped_column(Integer, server_default="0")
    held: Mapped[int] = mapped_column(Integer, server_default="0")
    held_cents: Mapped[int] = mapped_column(Integer, server_default="0")
    warned_percent: Mapped[int] = mapped_column(Integer, server_default="0")

    __table_args__ = (
        CheckConstraint("reserved >= 0", name="reserved_range"),
        CheckConstraint("charged >= 0", name="charged_range"),
        CheckConstraint("beyond >= 0 AND owed_cents >= 0", name="owed_range"),
        CheckConstraint("held >= 0 AND held_cents >= 0", name="held_range"),
    )


class Entry(Table):
    """The ledger, append-only. An edit has one entry of a kind in a round; a retry is a round.

    `cents`: what a `reserve` may cost, what a `settle` costs beyond the plan, and what a `credit`
    or a `release` takes off what is owed.
    """

    __tablename__ = "entries"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    user_id: Mapped[str] = _user()
    period: Mapped[str] = mapped_column(String(7))
    edit_id: Mapped[str]
    round: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str]
    units: Mapped[int] = mapped_column(Integer)
    cents: Mapped[int] = mapped_column(Integer, server_default="0")
    reason: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        UniqueConstraint("edit_id", "round", "kind"),
        _one_of("kind", ENTRY_KINDS),
        Index("entries_of_user", "user_id", "period", "id"),
    )


class Notification(Table):
    """What the bell shows; `once` keeps one thing from being told twice.

    `mail`: `digest` (at most one mail an hour), `now`, or `none`. `mail_id` is the mail that it
    was put into, with others; `mailed_at` when that went.
    """

    __tablename__ = "notifications"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = _user()
    kind: Mapped[str]
    once: Mapped[str]
    title: Mapped[str]
    detail: Mapped[str] = mapped_column(server_default="")
    link: Mapped[str] = mapped_column(server_default="")
    mail: Mapped[str] = mapped_column(server_default="none")
    mail_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    read_at: Mapped[datetime | None]
    mailed_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("user_id", "once"),
        CheckConstraint("mail IN ('digest', 'now', 'none')", name="mail_known"),
        Index("notifications_of_user", "user_id", "created_at", "id"),
        Index("notifications_unread", "user_id", postgresql_where=text("read_at IS NULL")),
        Index(
            "notifications_to_mail",
            "user_id",
            "created_at",
            postgresql_where=text("mail <> 'none' AND mailed_at IS NULL"),
        ),
    )


class Upload(Table):
    """A photo on its way from a phone's page into a source's Raw folder; resumes at `received`.

    `parts` are the keys of what has arrived, in order. While it is being received `next_try_at`
    is when it is given up.
    """

    __tablename__ = "uploads"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = _user()
    source_id: Mapped[str] = mapped_column(ForeignKey("sources.id", ondelete="CASCADE"))
    once: Mapped[str]
    name: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    received: Mapped[int] = mapped_column(BigInteger, server_default="0")
    parts: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'"))
    state: Mapped[str] = mapped_column(server_default="receiving")
    upload_key: Mapped[str | None]
    tries: Mapped[int] = mapped_column(Integer, server_default="0")
    next_try_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    lease_holder: Mapped[str | None]
    error: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        UniqueConstraint("user_id", "once"),
        Index("uploads_of_source", "source_id"),
        Index("uploads_due", "next_try_at", postgresql_where=text("state = 'received'")),
        CheckConstraint(
            "state IN ('receiving', 'received', 'placed', 'failed')", name="state_known"
        ),
    )
