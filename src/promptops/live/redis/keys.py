"""The keys of one environment. They share a hash tag, so that one node of a cluster has all."""


class Keys:
    def __init__(self, namespace: str, environment: str) -> None:
        self.tag = f"{{{namespace}:{environment}}}"
        self.head = f"{self.tag}:head"
        self.pointers = f"{self.tag}:pointers"
        self.history = f"{self.tag}:history"
        self.rehearsals = f"{self.tag}:rehearsals"
        self.release = f"{self.tag}:release:"
        self.clients = f"{self.tag}:clients"
        self.client = f"{self.tag}:client:"
        self.channel = f"{self.tag}:changes"
