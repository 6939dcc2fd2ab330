class PyslurmError(Exception):
    pass


class RPCError(PyslurmError):
    def __init__(self, errno, msg):
        super().__init__(msg)
        self.errno, self.msg = errno, msg
