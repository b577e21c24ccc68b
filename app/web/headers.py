"""What every answer tells the browser: nothing inline, nothing framed, nothing left behind; and the proxies in front."""

from __future__ import annotations

from flask import Flask, Response, abort, current_app, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from werkzeug.middleware.proxy_fix import ProxyFix

from app.limits import FREE_PATHS

# Scripts, styles and forms are our own files and addresses; pictures may be in the style sheet (data:).
CONTENT_POLICY = "; ".join((
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
))  # fmt: skip
NOT_FRAMED = "frame-ancestors 'none'"  # of files: the browser's own viewer brings styles of its own
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that know no frame-ancestors
    "Referrer-Policy": "same-origin",  # within the plant 返回 and the CSRF check need it
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HSTS = "max-age=31536000"  # seconds: a year


class Sessions(SecureCookieSessionInterface):
    """Flask's cookie, which no file carries: a cache between here and the village must not hand it on."""

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Only pages renew it."""
        return not request.path.startswith(FREE_PATHS) and super().should_set_cookie(app, session)


def bound_forms() -> None:
    """MAX_FORM_MEMORY_SIZE also for plain forms, which Werkzeug bounds for those with files alone."""
    plain = request.mimetype == "application/x-www-form-urlencoded"
    if plain and (request.content_length or 0) > current_app.config["MAX_FORM_MEMORY_SIZE"]:
        abort(413)


def init(app: Flask) -> None:
    """Add the headers to every answer, and read the caller's address from behind TRUSTED_PROXIES proxies."""
    app.session_interface = Sessions()
    app.before_request(bound_forms)
    app.after_request(add)
    if app.config["TLS"]:
        app.after_request(stay_encrypted)
    proxies = int(app.config["TRUSTED_PROXIES"])
    if proxies:
        # The host is never taken from a header that the proxy may pass on unread: it decides which plant this is.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=0)  # type: ignore[method-assign]


def add(response: Response) -> Response:
    """What a view has said itself stays."""
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    policy = CONTENT_POLICY if response.mimetype == "text/html" else NOT_FRAMED
    response.headers.setdefault("Content-Security-Policy", policy)
    if request.endpoint != "static":
        # Names, telephones and money: on the window's shared computer nothing may be found after 退出.
        response.headers["Cache-Control"] = "no-store"
    return response


def stay_encrypted(response: Response) -> Response:
    """For a year the browser asks for this host by HTTPS only."""
    response.headers.setdefault("Strict-Transport-Security", HSTS)
    return response
