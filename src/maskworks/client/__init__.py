"""The service from Python: `Client` and `AsyncClient` send what `calls` describes.

It needs the extra `[client]`, which is httpx; nothing else of Maskworks is imported.
"""

from __future__ import annotations

from maskworks.client import answers as answers
from maskworks.client import calls as calls
from maskworks.client.call import Call as Call
from maskworks.client.call import EventAnswer as EventAnswer
from maskworks.client.call import FileAnswer as FileAnswer
from maskworks.client.client import AsyncClient as AsyncClient
from maskworks.client.client import Client as Client
from maskworks.client.service_error import Retrying as Retrying
from maskworks.client.service_error import ServiceError as ServiceError
