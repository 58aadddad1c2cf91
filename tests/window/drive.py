#!/usr/bin/python3
"""Drive a real egui window under Xvfb as a screen-reader user would: AT-SPI first, xdotool where it must.

    drive.py [options] [SCRIPT] -- PROGRAM [ARGS...]     SCRIPT: a file, '-' or none for stdin; or -e LINE ...

exits 0 when every line held and the program neither died nor panicked, else 1 with the failing line (2: could not
start). Each run has its own display, session bus, accessibility bus and HOME, and ends exactly what it started.

Script: one command a line, shell quoting, '#' comments. NAME is matched exactly, else as a whole regex, else
as a regex found anywhere; elements one can act on win over labels. After NAME may stand role=REGEX and nth=N
(from 1) where several match; two that match equally well are an error.
    wait NAME [SECONDS]       gone NAME [SECONDS]      until it is there / no longer there (5 s)
    click NAME                by the accessible action, else with the pointer at its centre
    mouse NAME [BUTTON]       always the pointer;      double NAME;   drag NAME (NAME2 | DX DY);   hover NAME
    scroll NAME               bring it into view: the pointer hits whatever covers a place scrolled out of its panel
    focus NAME                accessible focus request, no click
    type TEXT    key KEYS...  (ctrl+z, Tab, Escape: names as in xdotool)
    set NAME VALUE            a slider's or field's value through the bus, not through the keyboard
    expect value NAME OP X    OP: == != < <= > >= ~ (regex); numbers compare as numbers
    expect (exists|missing|focused|enabled|disabled|checked|unchecked) NAME      expect state NAME STATE
    expect (clicks|keys|unnamed|unreached) OP N           expect count NAME OP N
    expect log REGEX          in what the program wrote    (an expect is tried for --patience seconds)
    shot FILE.png    tree [FILE]    unnamed [FILE]    tab N [FILE]    find NAME    value NAME    log [FILE]
    reset clicks    sleep S    resize W H    restart    close    a11y (on|off)

Debian: apt-get install -y xvfb xdotool imagemagick dbus at-spi2-core python3-gi

What AccessKit (accesskit_unix 0.24, eframe 0.37) puts on the bus, so what a screen reader gets: name, description,
role, states, extents, one action "click", numeric values, the text of text fields and labels. Not there: a string
value on anything else, so a combo box's choice (put it in the name); the window's title (the frame's name is what the
program gives egui::accesskit_root_id()); a clickable container, until it has the focus. A combo box or menu stays open
after a choice by action: key Escape, or choose with mouse. A widget with an automatic id that moves because another
appeared before it hands a click in flight to its neighbour: that is the program's fault, and an id_salt mends it.
"""
import argparse, ctypes, operator, os, re, shlex, shutil, signal, subprocess, sys, tempfile, time, uuid

try:
    import gi
    gi.require_version("Gio", "2.0")
    from gi.repository import Gio, GLib
except (ImportError, ValueError):
    if __name__ == "__main__" and os.path.exists("/usr/bin/python3") and not os.environ.get("DRIVE_REEXEC"):
        os.environ["DRIVE_REEXEC"] = "1"  # Debian's own Python has gi; another one first on PATH does not
        os.execv("/usr/bin/python3", ["/usr/bin/python3", os.path.abspath(__file__), *sys.argv[1:]])
    raise ImportError("drive.py needs python3-gi: apt-get install -y python3-gi, and run it with /usr/bin/python3")

STATES = """invalid active armed busy checked collapsed defunct editable enabled expandable expanded focusable focused
has-tooltip horizontal iconified modal multi-line multiselectable opaque pressed resizable selectable selected
sensitive showing single-line stale transient vertical visible manages-descendants indeterminate required truncated
animated invalid-entry supports-autocompletion selectable-text is-default visited checkable has-popup
read-only""".split()
ROLES = """invalid, accelerator label, alert, animation, arrow, calendar, canvas, check box, check menu item,
color chooser, column header, combo box, date editor, desktop icon, desktop frame, dial, dialog,
directory pane, drawing area, file chooser, filler, focus traversable, font chooser, frame, glass pane,
html container, icon, image, internal frame, label, layered pane, list, list item, menu, menu bar,
menu item, option pane, page tab, page tab list, panel, password text, popup menu, progress bar, button,
radio button, radio menu item, root pane, row header, scroll bar, scroll pane, separator, slider,
spin button, split pane, status bar, table, table cell, table column header, table row header,
tearoff menu item, terminal, text, toggle button, tool bar, tool tip, tree, tree table, unknown, viewport,
window, extended, header, footer, paragraph, ruler, application, autocomplete, editbar, embedded, entry,
chart, caption, document frame, heading, page, section, redundant object, form, link, input method window,
table row, tree item, document spreadsheet, document presentation, document text, document web,
document email, comment, list box, grouping, image map, notification, info bar, level bar, title bar,
block quote, audio, video, definition, article, landmark, log, marquee, math, rating, timer, static,
math fraction, math root, subscript, superscript, description list, description term, description value,
footnote, content deletion, content insertion, mark, suggestion, push button menu""".replace("\n", " ").split(", ")
A, ROOT, REGISTRY = "org.a11y.atspi.", "/org/a11y/atspi/accessible/root", "org.a11y.atspi.Registry"
WINDOW_COORDS = 1  # 0 would be the screen
LABELS = {"label", "static", "heading", "caption", "paragraph", "text"}
ACTING = {"button", "push button menu", "toggle button", "check box", "radio button", "combo box", "slider", "spin button",
          "entry", "password text", "link", "list item", "tree item", "menu item", "check menu item", "radio menu item",
          "page tab", "date editor", "color chooser"}
MARK = "WINDOW_DRIVE_ID"
NUMBER = re.compile(r"[-+]?\d[\d,\u202f\u00a0']*(?:\.\d+)?(?:[eE][-+]?\d+)?")
OPS = {"==": operator.eq, "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
       ">=": operator.ge}


class DriveError(Exception):
    """A step could not be done or an expectation did not hold."""


def number(text):
    """The first number in a text, or None. Thousands separators are dropped."""
    m = NUMBER.search(str(text).replace("\u2212", "-"))
    return float(re.sub(r"[,\u202f\u00a0']", "", m[0])) if m else None


class Node:
    """One accessible object as it was in one reading of the tree; extents, value and text are read when asked for."""

    def __init__(self, win, ref, parent, interfaces, name, role, description, states):
        self.win, self.ref, self.parent_ref = win, ref, parent
        self.interfaces = {i.rsplit(".", 1)[-1] for i in interfaces}
        self.name, self.role, self.description, self.states = name, role, description, states
        self.children, self.parent, self.order = [], None, 0

    def call(self, iface, method, args=None, signature=None):
        return self.win.call(self.ref, A + iface, method, args, signature)

    def get(self, iface, prop):
        return self.win.call(self.ref, "org.freedesktop.DBus.Properties", "Get", (A + iface, prop), "(ss)")[0]

    def extents(self, coords=WINDOW_COORDS):
        """(x, y, width, height) in pixels, of the window by default; None where there are none."""
        if "Component" not in self.interfaces:
            return None
        try:
            box = self.call("Component", "GetExtents", (coords,), "(u)")[0]
        except DriveError:
            return None
        return tuple(box) if box[2] > 0 and box[3] > 0 else None

    @property
    def box(self):
        """x,y widthxheight in the window, as text."""
        b = self.extents()
        return "{},{} {}x{}".format(*b) if b else "?"

    @property
    def acts(self):
        """One can act on it: it has a role for that, or takes the focus and has the click action or a value."""
        return self.role in ACTING or "focusable" in self.states and bool({"Action", "Value"} & self.interfaces)

    @property
    def enabled(self):
        return "enabled" in self.states

    def walk(self):
        for c in self.children:
            yield c
            yield from c.walk()

    @property
    def label(self):
        """Its own name, or else the text of the labels inside it."""
        if self.name.strip() or not self.acts:
            return self.name
        return " ".join(n.name for n in self.walk() if n.name.strip())

    @property
    def text(self):
        if "Text" not in self.interfaces:
            return None
        return self.call("Text", "GetText", (0, -1), "(ii)")[0]

    @property
    def number(self):
        if "Value" not in self.interfaces:
            return None
        return self.get("Value", "CurrentValue")

    def __str__(self):
        name = repr(self.name) if self.name.strip() or not self.label else f"(by its children) {self.label!r}"
        return f"{self.role} {name}"

    def line(self):
        """role, name, value, states, extents: one line of tree()."""
        quiet = {"enabled", "sensitive", "showing", "visible", "selectable-text", "single-line", "horizontal", "vertical"}
        parts = [str(self)]
        if self.description:
            parts.append(f"desc={self.description!r}")
        if self.number is not None:
            parts.append(f"value={self.number:g}")
        if self.role in ("entry", "password text", "spin button") and self.text is not None:
            parts.append(f"text={self.text!r}")
        states = sorted(self.states - quiet) + ([] if self.enabled or self.role in ("frame", "application") else ["disabled"])
        if states:
            parts.append("[" + " ".join(states) + "]")
        if "Action" in self.interfaces:
            parts.append("click")
        if "Component" in self.interfaces:
            parts.append("@" + self.box)
        return "  ".join(parts)


class Window:
    """A program in a window of its own display and buses. Use as a context manager, from a thread that outlives it."""

    def __init__(self, command, size="1280x800", home=None, fit=False, a11y=True, patience=3.0, env=None, log=None):
        self.command, self.size, self.fit, self.patience = list(command), size, fit, patience
        self.a11y_at_start, self.clicks, self.keys, self.walked, self.mapped = a11y, 0, 0, [], set()
        self.id, self.procs, self.program, self.bus, self.a11y_bus, self.app, self.wid = uuid.uuid4().hex, [], None, None, None, None, None
        self.dir = tempfile.mkdtemp(prefix="window-drive-")
        self.home = home or os.path.join(self.dir, "home")
        self.log_path = log or os.path.join(self.dir, "log.txt")
        self.extra_env = env or {}

    # -- starting and ending --

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

    def _spawn(self, args, **kw):
        libc = ctypes.CDLL(None)  # the kernel ends a child whose driver was killed (PR_SET_PDEATHSIG = 1)
        p = subprocess.Popen(args, env=self.env, stdin=subprocess.DEVNULL,
                             preexec_fn=lambda: libc.prctl(1, signal.SIGTERM), **kw)
        self.procs.append(p)
        return p

    def start(self):
        for tool in ("Xvfb", "xdotool", "import", "dbus-daemon"):
            if not shutil.which(tool):
                raise DriveError(f"{tool} is missing: apt-get install -y xvfb xdotool imagemagick dbus at-spi2-core python3-gi")
        if not shutil.which(self.command[0]):
            raise DriveError(f"no program {self.command[0]}")
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: what the buses started falls to us when they end
        runtime = os.path.join(self.dir, "run")
        os.makedirs(runtime, mode=0o700)
        os.makedirs(self.home, exist_ok=True)
        drop = ("WAYLAND_", "XDG_", "DBUS_", "AT_SPI_", "GTK_", "QT_", "SESSION_MANAGER", "XAUTHORITY", "DISPLAY")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(drop)}
        self.env |= {MARK: self.id, "HOME": self.home, "XDG_RUNTIME_DIR": runtime, "LIBGL_ALWAYS_SOFTWARE": "1",
                     "GSETTINGS_BACKEND": "memory", "LANG": self.env.get("LANG", "C.UTF-8"), **self.extra_env}
        r, w = os.pipe()
        self._spawn(["Xvfb", "-displayfd", str(w), "-screen", "0", self.size + ("x24" if self.size.count("x") == 1 else ""),
                     "-noreset", "-nolisten", "tcp"], pass_fds=[w], stderr=subprocess.DEVNULL)
        os.close(w)
        with os.fdopen(r) as f:
            display = f.readline().strip()
        if not display:
            raise DriveError("Xvfb did not start")
        self.env["DISPLAY"] = ":" + display
        daemon = self._spawn(["dbus-daemon", "--session", "--nofork", "--print-address"], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True)
        self.env["DBUS_SESSION_BUS_ADDRESS"] = daemon.stdout.readline().strip()
        self.bus = self._connect(self.env["DBUS_SESSION_BUS_ADDRESS"])
        # Asking for the address starts the launcher and with it the accessibility bus, as on a desktop.
        self.a11y_bus = self._connect(self.call(("org.a11y.Bus", "/org/a11y/bus"), "org.a11y.Bus", "GetAddress", bus=self.bus)[0])
        if self.a11y_at_start:
            self.accessibility(True)
        self.launch()
        return self

    def _connect(self, address):
        flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        c = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
        c.set_exit_on_close(False)
        return c

    def accessibility(self, on):
        """Say on the bus that assistive technology is in use; AccessKit builds its tree only then."""
        for prop in ("IsEnabled", "ScreenReaderEnabled"):
            self.call(("org.a11y.Bus", "/org/a11y/bus"), "org.freedesktop.DBus.Properties", "Set",
                      ("org.a11y.Status", prop, GLib.Variant("b", on)), "(ssv)", bus=self.bus)

    def launch(self, seconds=30):
        self.app = self.wid = None
        self.log = open(self.log_path, "ab")
        self.program = self._spawn(self.command, stdout=self.log, stderr=subprocess.STDOUT)
        end = time.time() + seconds
        while not self.window_id():
            self.alive()
            if time.time() > end:
                raise DriveError(f"no window after {seconds} s")
            time.sleep(0.05)
        if self.fit:
            self.resize(*map(int, self.size.split("x")[:2]))
        self.focus_window()
        if self.a11y_at_start:
            while True:
                self.alive()
                try:
                    if len(self.nodes()) > 2:
                        break
                except DriveError as e:
                    if time.time() > end:
                        raise DriveError(f"the window is there but not on the accessibility bus after {seconds} s: {e}")
                if time.time() > end:
                    raise DriveError(f"the window's accessible tree is empty after {seconds} s")
                time.sleep(0.05)

    def close(self, seconds=10):
        """Close the window as its close button would. True when the program then ended by itself."""
        x, d = self._xlib()
        event = (ctypes.c_long * 24)()  # XClientMessageEvent: type, serial, send_event, display, window, message_type, format, data
        event[0], event[4], event[5], event[6] = 33, int(self.window_id()), x.XInternAtom(d, b"WM_PROTOCOLS", 0), 32
        event[7] = x.XInternAtom(d, b"WM_DELETE_WINDOW", 0)
        x.XSendEvent(d, ctypes.c_ulong(int(self.window_id())), 0, ctypes.c_long(0), ctypes.byref(event))
        x.XCloseDisplay(d)
        try:
            self.program.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return False

    def restart(self):
        """Close the window and start the program again with the same HOME."""
        if self.program.poll() is None and not self.close():
            raise DriveError("the program did not end when its window was closed")
        self.launch()

    def alive(self):
        if self.program.poll() is not None:
            raise DriveError(f"the program ended with {self.program.returncode}: {self.log_text()[-600:].strip()}")

    def log_text(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def stop(self):
        """End, by their ids, the processes started here and those the buses started for them."""
        for b in (self.bus, self.a11y_bus):
            if b and not b.is_closed():
                b.close_sync(None)
        others = [p for p in self._marked() if p not in [q.pid for q in self.procs]]
        self._end([p.pid for p in reversed(self.procs) if p.poll() is None])
        self._end(others)
        for p in self.procs:
            p.wait()
            if p.stdout:
                p.stdout.close()
        self.procs.clear()
        shutil.rmtree(self.dir, ignore_errors=True)

    def _marked(self):
        """Processes whose environment carries this run's own mark, and nobody else's."""
        mark, found = f"{MARK}={self.id}".encode(), []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as f:
                    if mark in f.read().split(b"\0"):
                        found.append(int(pid))
            except OSError:
                pass
        return found

    def _end(self, pids):
        mine = lambda: [p for p in pids if self._runs(p)]
        for sig, seconds in ((signal.SIGTERM, 3), (signal.SIGKILL, 3)):
            for pid in mine():
                try:
                    os.kill(pid, sig)
                except ProcessLookupError:
                    pass
            end = time.time() + seconds
            while mine() and time.time() < end:
                time.sleep(0.02)

    def _runs(self, pid):
        for p in self.procs:
            if p.pid == pid:
                return p.poll() is None
        try:  # not our child, unless the bus that started it ended first: then reap it
            return os.waitpid(pid, os.WNOHANG) == (0, 0)
        except ChildProcessError:
            return os.path.exists(f"/proc/{pid}")

    # -- the bus --

    def call(self, ref, iface, method, args=None, signature=None, bus=None):
        v = GLib.Variant(signature, args) if signature else None
        try:
            return (bus or self.a11y_bus).call_sync(ref[0], ref[1], iface, method, v, None, Gio.DBusCallFlags.NONE, 5000, None).unpack()
        except GLib.Error as e:
            raise DriveError(f"{iface.rsplit('.', 1)[-1]}.{method}: {e.message}")

    def application(self):
        """The bus name of our program's application object."""
        if self.app:
            return self.app
        for name, _ in self.call((REGISTRY, ROOT), A + "Accessible", "GetChildren")[0]:
            pid = self.call(("org.freedesktop.DBus", "/org/freedesktop/DBus"), "org.freedesktop.DBus",
                            "GetConnectionUnixProcessID", (name,), "(s)")[0]
            if pid == self.program.pid or (pid in self._marked() and pid not in [p.pid for p in self.procs]):
                self.app = name
                return name
        raise DriveError("the program has not registered with the accessibility registry")

    def nodes(self):
        """Every accessible object of the program, in reading order, read afresh."""
        app = self.application()
        try:
            rows = self.call((app, "/org/a11y/atspi/cache"), A + "Cache", "GetItems")[0]
        except DriveError:
            self.app = None
            raise
        by, index, size = {}, {}, {}
        for ref, _, parent, i, count, ifaces, name, role, description, states in rows:
            names = frozenset(s for k, s in enumerate(STATES) if states[k // 32] >> k % 32 & 1)
            by[ref] = Node(self, ref, parent, ifaces, name, self._role(ref, role), description, names)
            index[ref] = i
        roots = []
        for ref, n in by.items():
            n.parent = by.get(n.parent_ref)
            (n.parent.children if n.parent else roots).append(n)
        for n in by.values():
            n.children.sort(key=lambda c: index[c.ref])
        out = []
        for r in roots:
            for n in (r, *r.walk()):
                n.order = len(out)
                out.append(n)
        return out

    def _role(self, ref, code):
        name = ROLES[code] if code < len(ROLES) else f"role {code}"
        if name == "extended":  # the program gave a role description
            return self.call(ref, A + "Accessible", "GetLocalizedRoleName")[0] or name
        return name

    # -- reading --

    def tree(self):
        """The accessible tree as text: role, name, value, states, whether it can be clicked, extents in the window."""
        out = []
        for n in self.nodes():
            depth, p = 0, n.parent
            while p:
                depth, p = depth + 1, p.parent
            try:
                out.append("  " * depth + n.line())
            except DriveError:
                out.append("  " * depth + f"{n}  (gone while it was read)")
        return "\n".join(out)

    def find(self, name, role=None, nodes=None):
        """All elements of that name, best first: those one can act on before labels, then reading order.

        An exact name wins over a whole-regex match, and that over a regex found anywhere in the name."""
        pool = [n for n in nodes or self.nodes() if not role or re.search(role, n.role, re.I)]
        pool = [n for n in pool if n.label.strip() and n.role != "application"]
        try:
            pattern = re.compile(name, re.I)
        except re.error:
            pattern = re.compile(re.escape(name), re.I)
        for test in (lambda s: s == name, pattern.fullmatch, pattern.search):
            if hit := [n for n in pool if test(n.label)]:
                return sorted(hit, key=lambda n: (not n.acts, n.role == "frame", n.order))
        return []

    def one(self, name, role=None, nth=None):
        """The one element of that name to act on."""
        hits = self.find(name, role)
        if not hits:
            words = set(name.lower().split())
            near = [str(n) for n in self.nodes() if words & set(n.label.lower().split())][:5]
            raise DriveError(f"nothing is named {name!r}" + (f" with role {role}" if role else "") + (f"; near: {', '.join(near)}" if near else ""))
        if nth:
            if nth > len(hits):
                raise DriveError(f"only {len(hits)} match {name!r}: {', '.join(map(str, hits))}")
            return hits[nth - 1]
        best = [n for n in hits if n.acts == hits[0].acts]
        if len(best) > 1:
            raise DriveError(f"{len(best)} match {name!r} (add role= or nth=): {', '.join(map(str, best[:6]))}")
        return best[0]

    def value(self, name, role=None, nth=None):
        return self.value_and_source(name, role, nth)[0]

    def value_and_source(self, name, role=None, nth=None):
        """A number, a text or True/False, and how a screen reader would have learnt it."""
        nodes = self.nodes()
        hits = self.find(name, role, nodes)
        hits = hits[nth - 1:nth] if nth else hits
        if not hits:
            raise DriveError(f"nothing is named {name!r}")
        tries = [("value", lambda n: n.number),
                 ("text", lambda n: n.text if n.role in ("entry", "password text", "spin button") else None),
                 ("state", lambda n: bool({"checked", "pressed", "selected"} & n.states)
                  if n.states & {"checkable", "selectable"} or n.role in ("toggle button", "check box", "radio button") else None),
                 ("name", lambda n: self._rest(n.label, name)),
                 ("description", lambda n: n.description or None),
                 ("next label", lambda n: self._beside(n, nodes))]
        for source, read in tries:
            found = [v for v in (read(n) for n in hits) if v is not None]
            if found:
                if any(v != found[0] for v in found):
                    raise DriveError(f"{name!r} has several values (add role= or nth=): {found}")
                return found[0], source
        raise DriveError(f"{hits[0]} has no value on the bus")

    @staticmethod
    def _rest(label, name):
        """What a name such as 'Sessions lost: 3' says after 'Sessions lost'."""
        m = re.search(re.escape(name), label, re.I)
        try:
            m = m or re.search(name, label, re.I)
        except re.error:
            pass
        rest = label[m.end():].lstrip() if m else ""
        said = rest.lstrip(":= \t\n").rstrip()
        return number(said) if NUMBER.match(said) else said if said and rest[0] in ":=" else None

    @staticmethod
    def _beside(node, nodes):
        """The next thing read, where it is a label on the same line or just below that starts with a number."""
        after = [n for n in nodes if n.order > node.order][:1]
        a, b = node.extents(), after[0].extents() if after else None
        if not a or not b or after[0].role not in LABELS or not NUMBER.match(after[0].name.strip()):
            return None
        near = b[1] < a[1] + 2.5 * a[3] and b[1] + b[3] > a[1]
        return number(after[0].name) if near else None

    def focused(self):
        """The element with the keyboard focus, or None."""
        held = [n for n in self.nodes() if "focused" in n.states and n.role not in ("frame", "application")]
        return held[-1] if held else None

    def unnamed(self, nodes=None):
        """Elements one can act on that have no accessible name of their own. Clickable egui containers are on the bus
        only while they hold the focus: those are known once a focus_walk has met them."""
        nodes = nodes or self.nodes()
        there = {n.ref for n in nodes}
        hidden = {n.ref: n for n in self.walked if n and not n.name.strip() and n.ref not in there}
        return [n for n in nodes if n.acts and not n.name.strip() and n.role not in ("frame", "application")] + list(hidden.values())

    def focus_walk(self, n):
        """Press Tab n times; the focused element (or None) after each."""
        out, before = [], self.focused()
        for _ in range(n):
            self.key("Tab")
            end = time.time() + 0.6
            while True:
                now = self.focused()
                if (now and now.ref) != (before and before.ref) or time.time() > end:
                    break
                time.sleep(0.02)
            out.append(now)
            before = now
        self.walked += out
        return out

    def unreached(self):
        """Enabled elements one can act on that no focus_walk so far has reached."""
        seen = {n.ref for n in self.walked if n}
        return [n for n in self.nodes() if n.acts and n.enabled and n.ref not in seen]

    def wait_for(self, name, seconds=5, role=None):
        return self.until(lambda: self.find(name, role), seconds, lambda: f"nothing named {name!r} after {seconds:g} s")[0]

    def wait_gone(self, name, seconds=5, role=None):
        self.until(lambda: not self.find(name, role), seconds, lambda: f"{name!r} is still there after {seconds:g} s")

    def until(self, test, seconds, why):
        end, error = time.time() + seconds, None
        while True:
            self.alive()
            try:
                if got := test():
                    return got
                error = None
            except DriveError as e:
                error = e
            if time.time() > end:
                raise error or DriveError(why())
            time.sleep(0.05)

    # -- acting --

    def xdo(self, *args):
        r = subprocess.run(["xdotool", *map(str, args)], env=self.env, capture_output=True, text=True)
        if r.returncode:
            raise DriveError(f"xdotool {' '.join(map(str, args))}: {r.stderr.strip()}")
        return r.stdout

    def geometry(self, wid=None):
        g = dict(l.split("=") for l in self.xdo("getwindowgeometry", "--shell", wid or self.window_id()).split())
        return tuple(int(g[k]) for k in ("X", "Y", "WIDTH", "HEIGHT"))

    def window_id(self):
        """The X id of the program's largest visible window."""
        if not self.wid:
            try:
                ids = self.xdo("search", "--onlyvisible", "--pid", self.program.pid).split()
            except DriveError:
                return None
            sized = [(w * h, i) for i in ids for _, _, w, h in [self.geometry(i)]]
            self.wid = max(sized)[1] if sized and max(sized)[0] > 100 else None
        return self.wid

    def focus_window(self):
        """Without a window manager nobody gives the window the keyboard, so do it."""
        try:
            if self.xdo("getwindowfocus", "-f").strip() == self.window_id():
                return
        except DriveError:  # nobody has it yet
            pass
        self.xdo("windowfocus", self.window_id())
        time.sleep(0.1)

    def resize(self, width, height):
        self.xdo("windowmove", self.window_id(), 0, 0, "windowsize", self.window_id(), width, height)
        time.sleep(0.3)

    def centre(self, node):
        """Its centre on the screen. Extents are read in the window's coordinates and the window asked of X, since
        without a window manager the screen coordinates on the bus need not know where the window is."""
        box, (wx, wy, ww, wh) = node.extents(), self.geometry()
        inside = lambda b: b and 0 <= b[0] + b[2] / 2 < ww and 0 <= b[1] + b[3] / 2 < wh
        if not inside(box):
            try:
                node.call("Component", "ScrollTo", (6,), "(u)")
                time.sleep(0.3)
            except DriveError:
                pass
            box = node.extents()
        if not inside(box):
            raise DriveError(f"{node} is not in view: {box} of {ww}x{wh}")
        return wx + box[0] + box[2] // 2, wy + box[1] + box[3] // 2

    def pointer(self, x, y, button=1, times=1):
        self.focus_window()
        self.xdo("mousemove", x, y)
        time.sleep(0.2)  # the frame of the press must not also have moved, on a busy machine either
        for _ in range(times):
            self.xdo("mousedown", button)
            time.sleep(0.04)
            self.xdo("mouseup", button)
            time.sleep(0.04)
        self.clicks += times

    def click(self, name, role=None, nth=None):
        """Click by the accessible action; where it has none, by its clickable parent's, else with the pointer.
        Says which."""
        node = self.one(name, role, nth)
        if not node.enabled:
            raise DriveError(f"{node} is disabled")
        target, up = node, node.parent
        if "Action" not in node.interfaces and up and up.role in ACTING:
            target = up
        if "Action" in target.interfaces and target.call("Action", "DoAction", (0,), "(i)")[0]:
            self.clicks += 1
            time.sleep(0.05)
            return f"{target} by its action"
        self.pointer(*self.centre(node))
        return f"{node} with the pointer"

    def mouse(self, name, button=1, times=1, role=None, nth=None):
        node = self.one(name, role, nth)
        at = self.centre(node)
        self.pointer(*at, button, times)
        return f"{node} with the pointer at {at[0]},{at[1]}"

    def hover(self, name, role=None, nth=None):
        self.xdo("mousemove", *self.centre(self.one(name, role, nth)))

    def drag(self, name, to=None, by=None, role=None, nth=None):
        """Drag an element onto another or by (dx, dy) pixels; counts as one click."""
        x, y = self.centre(self.one(name, role, nth))
        tx, ty = self.centre(self.one(to)) if to else (x + by[0], y + by[1])
        self.focus_window()
        self.xdo("mousemove", x, y)
        time.sleep(0.08)
        self.xdo("mousedown", 1)
        time.sleep(0.2)  # the frame of the press must not also have moved: what is pressed is found where the pointer is then
        for i in range(1, 11):
            time.sleep(0.03)
            self.xdo("mousemove", round(x + (tx - x) * i / 10), round(y + (ty - y) * i / 10))
        time.sleep(0.08)
        self.xdo("mouseup", 1)
        self.clicks += 1

    def focus(self, name, role=None, nth=None):
        node = self.one(name, role, nth)
        self.focus_window()
        if not node.call("Component", "GrabFocus")[0]:
            raise DriveError(f"{node} refused the focus")
        self.until(lambda: (f := self.focused()) and f.ref == node.ref, self.patience, lambda: f"{node} did not get the focus")
        return str(node)

    def set(self, name, value, role=None, nth=None):
        """Set a value through the bus, as assistive technology can: a number on a slider, a text in a field."""
        hits = self.find(name, role)
        hits = hits[nth - 1:nth] if nth else hits
        for n in hits:
            if "Value" in n.interfaces and number(value) is not None:
                self.call(n.ref, "org.freedesktop.DBus.Properties", "Set",
                          (A + "Value", "CurrentValue", GLib.Variant("d", float(value))), "(ssv)")
                return f"{n} by its value"
            if "EditableText" in n.interfaces:
                n.call("EditableText", "SetTextContents", (str(value),), "(s)")
                return f"{n} by its text"
        raise DriveError(f"{hits[0] if hits else repr(name)} takes no value from the bus")

    def type(self, text):
        self.focus_window()
        self._map_keys(text)
        self.xdo("type", "--delay", "25", "--", text)
        self.keys += len(text)
        time.sleep(0.05)

    def _map_keys(self, text):
        """Give characters outside ASCII a key of their own for good. xdotool would lend each one for a moment, and a
        busy window reads the keymap after that moment: the character is lost."""
        new = [c for c in dict.fromkeys(text) if ord(c) > 127 and c not in self.mapped]
        if not new:
            return
        x, d = self._xlib()
        x.XGetKeyboardMapping.restype = ctypes.POINTER(ctypes.c_ulong)
        per = ctypes.c_int()
        table = x.XGetKeyboardMapping(d, 8, 248, ctypes.byref(per))
        spare = [k + 8 for k in range(247) if not any(table[k * per.value + i] for i in range(per.value))]
        for c, code in zip(new, spare):
            sym = ord(c) if ord(c) < 256 else 0x1000000 + ord(c)
            x.XChangeKeyboardMapping(d, code, 2, (ctypes.c_ulong * 2)(sym, sym), 1)
            self.mapped.add(c)
        x.XCloseDisplay(d)
        time.sleep(0.5)

    def _xlib(self):
        x = ctypes.CDLL("libX11.so.6")
        x.XOpenDisplay.restype = ctypes.c_void_p
        x.XInternAtom.restype = ctypes.c_ulong
        return x, ctypes.c_void_p(x.XOpenDisplay(self.env["DISPLAY"].encode()))

    def key(self, *keys):
        self.focus_window()
        for k in keys:
            self.xdo("key", "--delay", "25", k)
            self.keys += 1
        time.sleep(0.05)

    def count_clicks(self, reset=False):
        """Clicks and drags so far (keys are in .keys): what a task costs a person's hand."""
        n = self.clicks
        if reset:
            self.clicks = self.keys = 0
        return n

    def screenshot(self, path, settle=1.5):
        """A picture of the display, once it stands still or after that many seconds."""
        end, before = time.time() + settle, None
        while True:
            r = subprocess.run(["import", "-window", "root", "-define", "png:exclude-chunks=date,time", path], env=self.env,
                               capture_output=True, text=True)
            if r.returncode or not os.path.exists(path):
                raise DriveError(f"no screenshot: {r.stderr.strip()}")
            with open(path, "rb") as f:
                now = f.read()
            if now == before or time.time() > end:
                return
            before = now
            time.sleep(0.1)

    def scroll_to(self, name, role=None, nth=None):
        node = self.one(name, role, nth)
        node.call("Component", "ScrollTo", (6,), "(u)")  # 6: anywhere in view
        time.sleep(0.3)
        return str(node)

    # -- scripts --

    def step(self, words):
        """Do one script line, already split; returns what to print, raises DriveError."""
        if not words:
            return None
        command, *rest = words
        if command not in ("type", "key"):
            opts = {k: v for k, v in (w.split("=", 1) for w in rest if re.match(r"(role|nth)=", w))}
            rest = [w for w in rest if not re.match(r"(role|nth)=", w)]
            opts = {k: int(v) if k == "nth" else v for k, v in opts.items()}
        role = {k: v for k, v in opts.items() if k == "role"} if command in ("wait", "gone") else None
        if command in ("close", "restart"):
            self.alive()
            if command == "restart":
                return self.restart()
            if not self.close():
                raise DriveError("the program did not end when its window was closed")
            return f"ended with {self.program.returncode}"
        if not (self.program.poll() is not None and words[:2] == ["expect", "log"] or command in ("log", "sleep")):
            self.alive()
        match command, *rest:
            case "wait", name, *s: return str(self.wait_for(name, float(s[0]) if s else 5, **role))
            case "gone", name, *s: return self.wait_gone(name, float(s[0]) if s else 5, **role)
            case "click", name: return self.click(name, **opts)
            case "mouse", name, *b: return self.mouse(name, *map(int, b), **opts)
            case "double", name: return self.mouse(name, 1, 2, **opts)
            case "hover", name: return self.hover(name, **opts)
            case "drag", name, to: return self.drag(name, to=to, **opts)
            case "drag", name, dx, dy: return self.drag(name, by=(int(dx), int(dy)), **opts)
            case "scroll", name: return self.scroll_to(name, **opts)
            case "focus", name: return self.focus(name, **opts)
            case "type", text: return self.type(text)
            case "key", *keys if keys: return self.key(*keys)
            case "set", name, value: return self.set(name, value, **opts)
            case "expect", *what if what: return self.expect(what, opts)
            case "shot", path: return self.screenshot(path)
            case "tree", *path: return self.put(self.tree(), path)
            case "unnamed", *path:
                nodes = self.nodes()
                return self.put("\n".join(f"{n}  @{n.box}  after {nodes[n.order - 1]}" for n in self.unnamed(nodes)) or "none unnamed", path)
            case "tab", n, *path:
                return self.put("\n".join(f"{i} {node or 'nothing focused'}" for i, node in enumerate(self.focus_walk(int(n)), 1)), path)
            case "find", name: return "\n".join(n.line() for n in self.find(name, **{k: v for k, v in opts.items() if k == "role"})) or "nothing"
            case "value", name: return "{} (from its {})".format(*self.value_and_source(name, **opts))
            case "log", *path: return self.put(self.log_text(), path)
            case "reset", "clicks": self.count_clicks(reset=True)
            case "sleep", s: time.sleep(float(s))
            case "resize", w, h: return self.resize(int(w), int(h))
            case "a11y", ("on" | "off") as to: return self.accessibility(to == "on")
            case _: raise DriveError(f"no such command: {shlex.join(words)}")

    @staticmethod
    def put(text, path):
        if not path:
            return text
        with open(path[0], "w") as f:
            f.write(text + "\n")
        return f"{text.count(chr(10)) + 1} lines in {path[0]}"

    def expect(self, what, opts):
        kind, *rest = what
        said = {}

        def compare(actual, op, wanted):
            said["is"] = actual
            if op == "~":
                return bool(re.search(wanted, str(actual)))
            if op not in OPS:
                raise DriveError(f"no such comparison: {op}")
            if isinstance(actual, bool):
                wanted = {"true": 1, "false": 0}.get(wanted.lower(), wanted)
            a, b = (actual, float(wanted)) if isinstance(actual, (int, float)) and number(wanted) is not None else (number(actual), number(wanted))
            if a is None or b is None:
                if OPS[op] not in (operator.eq, operator.ne):
                    raise DriveError(f"{actual!r} is no number")
                a, b = str(actual), str(wanted)
            elif isinstance(actual, str) and OPS[op] in (operator.eq, operator.ne) and not NUMBER.fullmatch(wanted):
                a, b = actual, wanted
            return OPS[op](a, b)

        def holds():
            match kind, *rest:
                case "value", name, op, x:
                    v, said["from"] = self.value_and_source(name, **opts)
                    return compare(v, op, x)
                case "clicks", op, n: return compare(self.clicks, op, n)
                case "keys", op, n: return compare(self.keys, op, n)
                case "unnamed", op, n:
                    said["which"] = ", ".join(f"{u.role}@{u.box}" for u in self.unnamed()[:8])
                    return compare(len(self.unnamed()), op, n)
                case "unreached", op, n:
                    said["which"] = ", ".join(map(str, self.unreached()[:8]))
                    return compare(len(self.unreached()), op, n)
                case "count", name, op, n: return compare(len(self.find(name, opts.get("role"))), op, n)
                case "exists", name: return bool(self.find(name, opts.get("role")))
                case "missing", name: return not self.find(name, opts.get("role"))
                case "log", regex: return re.search(regex, self.log_text())
                case "focused", name:
                    f = self.focused()
                    said["is"] = str(f) if f else "nothing focused"
                    return f and f.ref in [n.ref for n in self.find(name, opts.get("role"))]
                case ("enabled" | "disabled" | "checked" | "unchecked") as k, name:
                    n = self.one(name, **opts)
                    on = n.enabled if "abled" in k else bool(n.states & {"checked", "pressed"})
                    said["is"] = " ".join(sorted(n.states))
                    return on == (k in ("enabled", "checked"))
                case "state", name, state:
                    said["is"] = " ".join(sorted(self.one(name, **opts).states))
                    return state in said["is"].split()
                case _: raise DriveError(f"no such expectation: {shlex.join(what)}")

        if self.program.poll() is not None:  # only its log is left to ask
            if not holds():
                raise DriveError("not in the log")
            return None
        tell = lambda: ", ".join(f"{k} {v}" for k, v in said.items() if v != "") or "it does not hold"
        self.until(holds, self.patience, tell)
        return tell() if said else None


def run_script(win, lines, keep_going=False, fail_dir=None, out=sys.stdout):
    """Run script lines; the failures as (line number, line, reason)."""
    failed = []

    def bad(no, line, why):
        failed.append((no, line, why))
        print(f"FAIL {no}: {line}\n     {why}", file=out, flush=True)
        if fail_dir and win.program.poll() is None:
            os.makedirs(fail_dir, exist_ok=True)
            win.screenshot(os.path.join(fail_dir, f"line{no}.png"))
            win.put(win.tree(), [os.path.join(fail_dir, f"line{no}.txt")])

    closed, no = False, 0
    for no, line in enumerate(lines, 1):
        line = line.strip()
        try:
            words = shlex.split(line, comments=True)
            if not words:
                continue
            said = win.step(words)
            closed = words[0] == "close" or closed and words[0] != "restart"
        except (DriveError, ValueError, OSError) as e:
            bad(no, line, e)
            if not keep_going or win.program.poll() is not None and not closed:
                break
            continue
        said = str(said) if said else ""
        print(f"ok   {no}: {line}" + ("\n" + "\n".join("     " + l for l in said.splitlines()) if "\n" in said else f"   -> {said}" if said else ""), file=out, flush=True)
    if panic := re.search(r".*panicked at.*\n?.*", win.log_text()):
        bad(no, "(the program panicked)", panic[0].strip())
    elif not failed and not closed and win.program.poll() is not None:
        bad(no, "(the program ended)", f"with {win.program.returncode}: {win.log_text()[-300:].strip()}")
    return failed


def main():
    if "--" not in sys.argv:
        print(__doc__)
        return 2
    cut = sys.argv.index("--")
    p = argparse.ArgumentParser(usage="drive.py [options] [SCRIPT] -- PROGRAM [ARGS...]")
    p.add_argument("script", nargs="?", default="-")
    p.add_argument("-e", action="append", help="a script line, instead of a file; may be repeated")
    p.add_argument("--size", default="1280x800", help="of the display (default 1280x800)")
    p.add_argument("--fit", action="store_true", help="make the window fill the display")
    p.add_argument("--home", help="a HOME to keep, instead of a fresh one")
    p.add_argument("--log", help="where the program's output goes, to keep it")
    p.add_argument("--patience", type=float, default=3, help="seconds an expect may take to come true (default 3)")
    p.add_argument("--keep-going", action="store_true", help="run the lines after a failing one too")
    p.add_argument("--fail-dir", help="leave a screenshot and the tree of each failing line here")
    p.add_argument("--a11y-late", action="store_true", help="start with accessibility off; the script says 'a11y on'")
    o = p.parse_args(sys.argv[1:cut])
    if o.log:
        open(o.log, "w").close()
    lines = o.e or (sys.stdin if o.script == "-" else open(o.script)).read().splitlines()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with Window(sys.argv[cut + 1:], o.size, o.home, o.fit, not o.a11y_late, o.patience, log=o.log) as w:
            failed = run_script(w, lines, o.keep_going, o.fail_dir)
    except (DriveError, GLib.Error, OSError) as e:
        print(f"could not start: {e}")
        return 2
    print(f"{w.clicks} clicks, {w.keys} keys; " + (f"{len(failed)} failed" if failed else "all held"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
