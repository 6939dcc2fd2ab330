import os


def _get_exit_code(exit_code):
    # It takes 128 off, as the real one does.
    if os.WIFSIGNALED(exit_code):
        return 0, os.WTERMSIG(exit_code)
    return os.WEXITSTATUS(exit_code) % 128, 0
