"""A browser for tests: headless Chromium through chromedriver (W3C WebDriver).

Needs the standard library alone. Nothing but loopback is used, and nothing stays: the
profile is a temporary folder, and chromedriver and Chromium end with the `with` block.
"""
import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.request

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--window-size=1200,900",
]


class Browser:
    def __enter__(self):
        # Not below $TMPDIR: the path of a socket in it must be shorter than 108 characters.
        self.profile = tempfile.mkdtemp(prefix="bench-browser-", dir="/tmp")
        try:
            self.base = "http://127.0.0.1:%d" % self.start_driver()
            self.session = ""
            options = {
                "binary": shutil.which("chromium"),
                "args": ARGUMENTS + ["--user-data-dir=" + self.profile + "/profile"],
            }
            capabilities = {
                "alwaysMatch": {
                    "goog:chromeOptions": options,
                    "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
                }
            }
            answer = self.call("POST", "/session", {"capabilities": capabilities})
            self.session = "/session/" + answer["sessionId"]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *ignored):
        try:
            if getattr(self, "session", ""):
                self.call("DELETE", "", None)
        except OSError:
            pass
        self.end_driver()
        shutil.rmtree(self.profile, ignore_errors=True)

    def start_driver(self):
        """Starts chromedriver and returns its port.

        It asks for a free port under IPv4 and then binds the same one under IPv6: where
        another program was given that port in between, it exits, and is started again.
        """
        words = ""
        for _ in range(5):
            # A group of its own, so that no Chromium outlives a chromedriver that dies.
            self.driver = subprocess.Popen(
                ["chromedriver", "--port=0"],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
                env=dict(os.environ, HOME=self.profile, TMPDIR=self.profile),
            )
            for line in self.driver.stdout:
                words += line
                if "started successfully on port" in line:
                    return int(line.rstrip(".\n").rsplit(" ", 1)[1])
            self.end_driver()
        raise OSError("chromedriver did not start; it said: " + words)

    def end_driver(self):
        try:
            os.killpg(self.driver.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.driver.wait()

    def call(self, method, path, body):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.base + self.session + path,
            data,
            {"Content-Type": "application/json"},
            method=method,
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=240) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise OSError(json.load(error)["value"]["message"]) from None

    def load(self, url):
        self.call("POST", "/url", {"url": url})

    def script(self, text):
        """The result of a function's body in the page."""
        return self.call("POST", "/execute/sync", {"script": text, "args": []})

    def devtools(self, command, **parameters):
        return self.call(
            "POST", "/goog/cdp/execute", {"cmd": command, "params": parameters}
        )

    def log(self, kind):
        """What was added to the log `browser` or `performance` since the last call."""
        return self.call("POST", "/se/log", {"type": kind})

    def requests(self):
        """The addresses that were asked for."""
        messages = [
            json.loads(entry["message"])["message"] for entry in self.log("performance")
        ]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def media(self, kind="", scheme="light"):
        self.devtools(
            "Emulation.setEmulatedMedia",
            media=kind,
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    def size(self, width, height):
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def pdf(self, pages=""):
        """The page printed on A4; of all its pages, or of those named."""
        return base64.b64decode(
            self.devtools(
                "Page.printToPDF",
                paperWidth=8.27,
                paperHeight=11.69,
                printBackground=True,
                pageRanges=pages,
            )["data"]
        )

    def picture(self, path):
        """The page from its top, as far as a picture goes, as it is shown now."""
        size = self.devtools("Page.getLayoutMetrics")["cssContentSize"]
        data = self.devtools(
            "Page.captureScreenshot",
            captureBeyondViewport=True,
            clip=dict(
                x=0,
                y=0,
                width=size["width"],
                height=min(size["height"], 12000),
                scale=1,
            ),
        )["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
