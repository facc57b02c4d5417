"""scripts/get_ptbxl.sh against a local server that breaks off, on a miniature data set.

Usage: get_ptbxl_test.py REPOSITORY
"""
import hashlib
import http.server
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import unittest

SCRIPT = pathlib.Path(sys.argv.pop(1)) / "scripts/get_ptbxl.sh"


def make_files():
    rng = random.Random(3)
    files = {"ptbxl_database.csv": rng.randbytes(70000), "scp_statements.csv": rng.randbytes(3000), "LICENSE.txt": b"",
             "example physionet.ipynb": rng.randbytes(500)}
    for i in range(1, 6):
        for folder, ending, size in (("records100", "lr", 24000), ("records500", "hr", 120000)):
            files[f"{folder}/00000/{i:05}_{ending}.dat"] = rng.randbytes(size)
            files[f"{folder}/00000/{i:05}_{ending}.hea"] = rng.randbytes(600)
    return files


class Server(http.server.ThreadingHTTPServer):
    """Serves `files` with ranges. `break_after`: bytes of each answer after which the connection is cut."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = make_files()
        self.sums = {path: hashlib.sha256(content).hexdigest() for path, content in self.files.items()}
        self.break_after = None
        self.ranges = True
        self.absent = set()
        self.requests = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # Clients that were cut off.

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/files"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        server, path = self.server, self.path.removeprefix("/files/").replace("%20", " ")
        server.requests.append((path, self.headers.get("Range")))
        if path == "SHA256SUMS.txt":
            content = "".join(f"{digest} {name}\n" for name, digest in server.sums.items()).encode()
        elif path in server.files and path not in server.absent:
            content = server.files[path]
        else:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        first, status = 0, 200
        if server.ranges and (wanted := self.headers.get("Range")):
            first, status = int(wanted.removeprefix("bytes=").split("-")[0]), 206
            if first >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        body = content[first:]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if path != "SHA256SUMS.txt" and server.break_after is not None and len(body) > server.break_after:
            self.wfile.write(body[:server.break_after])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(body)


class GetPtbxl(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name) / "data"

    def run_script(self, *arguments, folder=True):
        environment = dict(os.environ, PTBXL_URL=self.server.url, PTBXL_PAUSE="0", PTBXL_TRIES="2", PTBXL_STALL="5",
                           no_proxy="*", NO_PROXY="*")
        command = [str(SCRIPT), *arguments] + ([str(self.folder)] if folder else [])
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    def there(self):
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}

    def expect_all(self, result, wanted):
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(self.there(), set(wanted) | {"SHA256SUMS.txt"})
        for path in wanted:
            self.assertEqual((self.folder / path).read_bytes(), self.server.files[path], path)
        self.assertIn("are there and verified", result.stdout)
        self.assertIn(f"--data {self.folder}", result.stdout)

    def test_everything(self):
        self.expect_all(self.run_script(), self.server.files)

    def test_only_100_hz_then_the_rest(self):
        wanted = [path for path in self.server.files if not path.startswith("records500")]
        self.expect_all(self.run_script("--rate", "100"), wanted)
        self.server.requests.clear()
        self.expect_all(self.run_script(), self.server.files)
        self.assertTrue(all(path.startswith("records500") or path == "SHA256SUMS.txt"
                            for path, _ in self.server.requests), "what was there is not fetched again")

    def test_connections_that_break_off_are_continued(self):
        self.server.break_after = 9000
        self.expect_all(self.run_script("--rate", "100", "--jobs", "3"),
                        [path for path in self.server.files if not path.startswith("records500")])
        ranges = [r for path, r in self.server.requests if path == "ptbxl_database.csv"]
        self.assertEqual(ranges[:3], [None, "bytes=9000-", "bytes=18000-"])
        self.assertEqual(len(ranges), 8)

    def test_a_second_run_continues_what_a_first_left(self):
        (self.folder / "records100/00000").mkdir(parents=True)
        path = "records100/00000/00003_lr.dat"
        (self.folder / (path + ".part")).write_bytes(self.server.files[path][:10000])
        self.expect_all(self.run_script("--rate", "100"),
                        [path for path in self.server.files if not path.startswith("records500")])
        self.assertIn((path, "bytes=10000-"), self.server.requests)

    def test_a_whole_unfinished_file_and_a_wrong_one(self):
        self.folder.mkdir()
        (self.folder / "scp_statements.csv.part").write_bytes(self.server.files["scp_statements.csv"])
        (self.folder / "ptbxl_database.csv.part").write_bytes(b"x" * 70000)
        self.expect_all(self.run_script(), self.server.files)

    def test_a_damaged_file_is_fetched_again(self):
        self.expect_all(self.run_script(), self.server.files)
        (self.folder / "LICENSE.txt").write_bytes(b"changed")
        (self.folder / "records500/00000/00001_hr.dat").write_bytes(b"short")
        self.expect_all(self.run_script(), self.server.files)

    def test_a_server_without_ranges(self):
        self.server.ranges = False
        self.folder.mkdir()
        (self.folder / "ptbxl_database.csv.part").write_bytes(self.server.files["ptbxl_database.csv"][:500])
        self.expect_all(self.run_script(), self.server.files)

    def test_content_that_never_fits_its_checksum(self):
        self.server.files["scp_statements.csv"] = b"tampered"
        result = self.run_script()
        self.assertEqual(result.returncode, 1)
        self.assertIn("scp_statements.csv: its SHA-256 is not the publisher's", result.stderr)
        self.assertNotIn("scp_statements.csv", self.there())
        self.assertEqual(len(result.stderr.strip().splitlines()), 2, result.stderr)

    def test_a_file_that_is_absent(self):
        self.server.absent.add("records100/00000/00002_lr.hea")
        result = self.run_script()
        self.assertEqual(result.returncode, 1)
        self.assertIn("1 of 24 files could not be fetched, the first is records100/00000/00002_lr.hea", result.stderr)
        self.assertNotIn("verified", result.stdout)
        self.assertNotIn("SHA256SUMS.txt", self.there())

    def test_no_server(self):
        self.server.shutdown()
        self.server.server_close()
        result = self.run_script()
        self.assertEqual(result.returncode, 1)
        self.assertIn("SHA256SUMS.txt cannot be fetched", result.stderr)

    def test_wrong_use(self):
        for arguments, part in ((["--rate", "250"], "--rate 250"), (["--jobs", "0"], "--jobs 0"), (["--speed"], "--speed"),
                                (["a", "b"], "two folders"), (["--rate"], "--rate needs")):
            result = self.run_script(*arguments, folder=False)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn(part, result.stderr)
        self.assertEqual(self.run_script("--help", folder=False).returncode, 0)

    def test_paths_that_leave_the_folder_are_ignored(self):
        self.server.files["../evil.txt"] = b"evil"
        self.server.sums["../evil.txt"] = hashlib.sha256(b"evil").hexdigest()
        result = self.run_script()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertFalse((self.folder.parent / "evil.txt").exists())


if __name__ == "__main__":
    unittest.main()
