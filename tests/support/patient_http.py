"""httpx2 for a busy machine: by itself it waits for no answer longer than five seconds."""

from functools import partial

import httpx2

from tests.support.patience import PATIENCE

get = partial(httpx2.get, timeout=PATIENCE)
post = partial(httpx2.post, timeout=PATIENCE)
Client = partial(httpx2.Client, timeout=PATIENCE)
