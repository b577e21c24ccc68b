"""python -m embedded up | down | status | run -- COMMAND"""

from __future__ import annotations

import argparse
import os
import sys

from embedded.detach import up_detached

DEFAULT_PORT = 8000


def main() -> int:
    arguments = _parser().parse_args()
    if arguments.command == "up" and arguments.detach:
        return up_detached([word for word in sys.argv[2:] if word not in {"-d", "--detach"}])
    # Only now: these bring the database drivers along.
    from embedded import commands
    from embedded.errors import StartError
    from embedded.home import Home

    home = Home.find()
    try:
        match arguments.command:
            case "up":
                return commands.up(home, arguments.port, seed=arguments.seed, detached=arguments.let_go)
            case "down":
                return commands.down(home)
            case "status":
                return commands.status(home)
            case _:
                return commands.run(home, arguments.words[arguments.words[:1] == ["--"] :])
    except StartError as error:
        sys.stdout.flush()
        sys.stderr.write(f"\n{error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bin/up", description="启动、停止、查看清渠")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", prog="bin/up", help="启动全部（默认留在前台，Ctrl-C 停止）")
    up.add_argument("-d", "--detach", action="store_true", help="启动完成后转入后台")
    port = os.environ.get("QINGQU_PORT") or str(DEFAULT_PORT)
    up.add_argument("--port", type=_port, default=port, help=f"网站的端口（{port}）")
    up.add_argument("--no-seed", dest="seed", action="store_false", help="不准备示范水厂")
    up.add_argument("--let-go", action="store_true", help=argparse.SUPPRESS)
    commands.add_parser("down", prog="bin/down", help="停止全部")
    commands.add_parser("status", prog="bin/status", help="查看运行情况")
    run = commands.add_parser("run", help="在数据库和 Redis 可用的环境里执行一条命令")
    run.add_argument("words", nargs=argparse.REMAINDER)
    return parser


def _port(text: str) -> int:
    if not (text.isdigit() and 0 < int(text) < 65536):
        raise argparse.ArgumentTypeError(f"端口应是 1 到 65535 的整数，而不是「{text}」")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
