from pyslurm._cluster import misbehave


class Config:
    version = "25.11.2"
    message_timeout = 12

    @classmethod
    def load(cls):
        misbehave("config")
        return cls()
