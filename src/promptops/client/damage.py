"""What can be wrong with a file that holds an environment, in words."""

from promptops.errors import StoreCorrupt

FORMAT = b"promptops-copy/1"


def cut_off(where: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"{where} is cut off", "it is written anew at the next change; or remove it", code="C620"
    )


def changes_lost(where: str, revision: int) -> StoreCorrupt:
    """Said of a file that is used all the same: up to that revision it is sound."""
    return StoreCorrupt(
        f"{where} is damaged behind revision {revision}: what came after that is lost, maybe a "
        "rollback",
        "it is written anew when the store answers; until then promptops pin goes elsewhere",
        code="C620",
    )


def damaged(where: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"{where} is damaged or not a file of promptops {FORMAT[-1:].decode()}",
        "it is not used; remove it, or write it anew",
        code="C621",
    )


def of_another_store(where: str) -> StoreCorrupt:
    """Said of a copy that is used all the same, where there is none of the app's own store."""
    return StoreCorrupt(
        f"{where} is the copy of another store, served until this one answers",
        "give apps of several stores a cache folder each",
        code="C622",
    )
