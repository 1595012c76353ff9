"""What collaboration announces (`collab.*`): presence, edits, conflicts and comments, never their content."""

from enum import StrEnum

from pydantic import Field, NonNegativeInt, PositiveInt

from domain.bus.event import Event, event
from domain.collaboration.ids import CommentId, ConflictId, OperationId, ParticipantId, RoomId, ThreadId
from domain.kernel.ids import UserId


class Role(StrEnum):
    """What a participant may do in a room."""

    VIEWER = "viewer"
    COMMENTER = "commenter"
    EDITOR = "editor"


class Engine(StrEnum):
    """How concurrent edits are merged."""

    CRDT = "crdt"
    OPERATIONAL_TRANSFORM = "operational_transform"


class ConflictKind(StrEnum):
    """How edits that merged contradict each other."""

    SAME_FIELD = "same_field"
    EDIT_OF_DELETED = "edit_of_deleted"
    DUPLICATE_INSERT = "duplicate_insert"
    BROKEN_INVARIANT = "broken_invariant"


class Resolution(StrEnum):
    """What was done about a conflict."""

    LAST_WRITER_WON = "last_writer_won"
    MERGED = "merged"
    REVERTED = "reverted"
    LEFT_TO_PEOPLE = "left_to_people"


@event(
    "collab.participant.joined",
    version="1.0.0",
    source="collaboration",
    subject="room_id",
    consumers=("analytics", "security"),
)
class ParticipantJoined(Event):
    """Someone opened a document for editing, commenting or watching."""

    room_id: RoomId
    document: str = Field(description="Id of the document edited there.", examples=["doc_01h455vb4pex5vsknk084sn02q"])
    participant_id: ParticipantId
    user_id: UserId | None = Field(default=None, description="Null for guests and programs.")
    role: Role
    participant_count: PositiveInt = Field(description="In the room now, the newcomer included.", examples=[2])
    is_reconnect: bool = Field(description="Whether this connection resumes an interrupted one.")


@event(
    "collab.operation.applied",
    version="1.0.0",
    source="collaboration",
    subject="room_id",
    consumers=("analytics", "cad", "security"),
    telemetry=True,
)
class OperationApplied(Event):
    """An edit is durably part of a document; the edit itself stays in the room's log."""

    room_id: RoomId
    document: str = Field(description="Id of the edited document.", examples=["doc_01h455vb4pex5vsknk084sn02q"])
    operation_id: OperationId
    participant_id: ParticipantId
    engine: Engine
    sequence: PositiveInt = Field(description="Its place in the room's log, without gaps.", examples=[5121])
    concurrent_operations: NonNegativeInt = Field(
        description="Operations it was merged with or transformed against.", examples=[0]
    )
    size_bytes: PositiveInt = Field(description="Of the encoded edit.", examples=[48])
    latency_ms: NonNegativeInt = Field(description="From its arrival until it was durable.", examples=[6])


@event(
    "collab.conflict.detected",
    version="1.0.0",
    source="collaboration",
    subject="room_id",
    consumers=("notifications", "analytics"),
)
class ConflictDetected(Event):
    """Concurrent edits merged, but mean contradictory things."""

    conflict_id: ConflictId
    room_id: RoomId
    document: str = Field(description="Id of the edited document.", examples=["doc_01h455vb4pex5vsknk084sn02q"])
    path: str = Field(description="JSON Pointer (RFC 6901) to the place in the document.", examples=["/layers/2/name"])
    kind: ConflictKind
    operation_ids: tuple[OperationId, ...] = Field(
        min_length=2,
        description="The contradicting edits, in log order.",
        examples=[["opn_01h455vb4pex5vsknk084sn02q", "opn_01h455vb4pex5vsknk084sn02r"]],
    )
    author_ids: tuple[UserId, ...] = Field(default=(), description="The people who made them, as far as known.")
    resolution: Resolution


@event(
    "collab.comment.added",
    version="1.0.0",
    source="collaboration",
    subject="thread_id",
    consumers=("notifications", "security"),
)
class CommentAdded(Event):
    """Someone commented on a document; the text is read from the thread."""

    room_id: RoomId
    document: str = Field(description="Id of the commented document.", examples=["doc_01h455vb4pex5vsknk084sn02q"])
    thread_id: ThreadId
    comment_id: CommentId
    author_id: UserId
    in_reply_to: CommentId | None = Field(default=None, description="Null for the first comment of a thread.")
    mentioned_ids: tuple[UserId, ...] = Field(default=(), description="People mentioned with @, each once.")
    anchor: str | None = Field(
        default=None,
        description="JSON Pointer (RFC 6901) to what is commented; null: the whole document.",
        examples=["/layers/2"],
    )
