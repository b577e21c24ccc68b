"""A browser in words that its owner knows: 'Chrome · Windows', '微信 · 安卓手机'."""

from __future__ import annotations

# What gives them away, the particular before the general: every browser says that it is Chrome, and Chrome says Safari.
_BROWSERS = {
    "MicroMessenger": "微信", "QIHU": "360 浏览器", "360SE": "360 浏览器", "360EE": "360 浏览器", "MetaSr": "搜狗浏览器",
    "QQBrowser": "QQ 浏览器", "UCBrowser": "UC 浏览器", "HuaweiBrowser": "华为浏览器", "MiuiBrowser": "小米浏览器",
    "VivoBrowser": "vivo 浏览器", "HeyTapBrowser": "OPPO 浏览器", "Edg": "Edge", "Firefox": "火狐", "Chrome": "Chrome",
    "CriOS": "Chrome", "Safari": "Safari",
}  # fmt: skip
_MACHINES = {
    "Windows": "Windows", "HarmonyOS": "鸿蒙", "OpenHarmony": "鸿蒙", "Android": "安卓手机", "iPhone": "苹果手机",
    "iPad": "苹果平板", "Macintosh": "苹果电脑", "Linux": "Linux",
}  # fmt: skip


def in_words(agent: str) -> str:
    """What a browser says of itself, for its owner to recognise."""
    browser = next((name for mark, name in _BROWSERS.items() if mark in agent), "其他浏览器")
    machine = next((name for mark, name in _MACHINES.items() if mark in agent), "")
    return f"{browser} · {machine}" if machine else browser
