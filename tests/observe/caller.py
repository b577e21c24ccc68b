"""A browser of the barest kind, for a web server in a process of its own."""

from __future__ import annotations

import html
import http.client
import re
import urllib.parse
from http.cookies import SimpleCookie

from tenants.entry import captcha
from tests.conftest import PASSWORD

TOKEN = re.compile(r'name="csrf[-_]token"[^>]*(?:value|content)="([^"]+)"')
FIELD = re.compile(r'name="captcha_id"[^>]*value="([^"]+)"')


class Answer:
    """What came back."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status, self.headers = answer.status, answer.headers
        self.text = answer.read().decode()


class Caller:
    """Keeps cookies and the form's token; every request is a connection of its own."""

    def __init__(self, port: int, host: str) -> None:
        self.port, self.host = port, host
        self._cookies: SimpleCookie = SimpleCookie()
        self._token = ""

    def get(self, path: str, **headers: str) -> Answer:
        """GET a path."""
        return self._ask("GET", path, None, headers)

    def post(self, path: str, form: dict[str, str], **headers: str) -> Answer:
        """POST a form."""
        body = urllib.parse.urlencode({"csrf_token": self._token} | form)
        return self._ask("POST", path, body.encode(), {"Content-Type": "application/x-www-form-urlencoded"} | headers)

    def send(self, path: str, file: bytes) -> Answer:
        """POST an upload."""
        name = "Content-Disposition: form-data; name="
        head = f'--cut\r\n{name}"csrf_token"\r\n\r\n{self._token}\r\n--cut\r\n{name}"file"; filename="x.xlsx"\r\n\r\n'
        body = head.encode() + file + b"\r\n--cut--\r\n"
        return self._ask("POST", path, body, {"Content-Type": "multipart/form-data; boundary=cut"})

    def log_in(self, username: str = "admin", password: str = PASSWORD) -> Answer:
        """Fill the login form; needs the app's context, to read the 验证码."""
        found = FIELD.search(self.get("/login").text)
        assert found
        form = {"username": username, "password": password, "captcha_id": found[1]}
        return self.post("/login", form | {"captcha": captcha.answer(found[1]) or ""})

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in self._cookies.items())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            sent = {"Host": self.host, "Cookie": cookies} | {k.replace("_", "-"): v for k, v in headers.items()}
            connection.request(method, path, body, sent)
            answer = Answer(connection.getresponse())
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            self._cookies.load(line)
        token = TOKEN.search(answer.text)
        self._token = html.unescape(token[1]) if token else self._token
        return answer
