"""What people and their pipelines say happened, and when."""

from datetime import datetime

from sqlmodel import JSON, Column, Field, SQLModel, UniqueConstraint

from models.tables.columns import word
from models.vocabulary import AnnotationKind


class Annotation(SQLModel, table=True):
    """A deploy, a prompt roll-out or the like, for everyone who looks at that time."""

    # Whoever tells the same again, such as a pipeline that got no answer, tells nothing new.
    __table_args__ = (UniqueConstraint("at", "kind", "title", name="annotation_is_told_once"),)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    end_at: datetime | None = None  # of what took some time, such as a canary run
    kind: AnnotationKind = Field(sa_column=Column(word(AnnotationKind), nullable=False))
    title: str
    labels: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    url: str = ""
    author: str = ""
    told_at: datetime = Field(index=True)  # when it was written here
