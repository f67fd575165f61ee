"""The built book in a real browser, from file:// and without a network.

    apt install chromium chromium-driver && pip install selenium
    widemargin book build && python tests/kernel/book.py [--book book/out] [--shots DIR]

Every page: no console error, every formula and figure drawn, no broken link, every picture with words for those who do not
see it; on one page a search that finds prose and a figure's words, and on another the stills where scripts are off.
With --shots each page is photographed in a light and in a dark theme, for people to look at. Exit code 1 if a claim fails.
"""

import argparse
import pathlib
import shutil
import sys
import time
import urllib.parse

from selenium import webdriver
from selenium.webdriver.common.by import By

SCROLL = """
const done = arguments[arguments.length - 1];
let y = 0;
const step = () => {
  window.scrollTo(0, y);
  y += 700;
  if (y < document.documentElement.scrollHeight + 700) setTimeout(step, 30); else setTimeout(done, 700);
};
step();
"""
STATE = """
const all = (what) => [...document.querySelectorAll(what)];
return {
  plots: all('.plot').length,
  empty: all('.plot').filter((p) => !p.querySelector('.main-svg')).length,
  math: all('.math').length,
  plain: all('.math').filter((m) => !m.querySelector('.katex')).map((m) => m.textContent),
  errors: all('.katex-error').map((m) => m.title),
  silent: all('main img').filter((i) => !i.alt.trim()).length + all('.plot').filter((p) => !p.ariaLabel?.trim()).length,
  broken: all('main img').filter((i) => i.complete && i.naturalWidth === 0 && !i.classList.contains('still')).length,
  links: all('a[href]').map((a) => a.href),
  ids: all('[id]').map((e) => e.id),
  colour: getComputedStyle(document.body).backgroundColor,
};
"""


def browser(scripts=True):
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for flag in ["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,1000",
                 "--host-resolver-rules=MAP * ~NOTFOUND"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if not scripts:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    driver.set_script_timeout(120)
    return driver


def wait(driver, page):
    """Until everything is drawn, at most about 20 s."""
    driver.get(page.as_uri())
    for _ in range(20):
        # A browser that has just started may not see a figure that scrolls by: it is scrolled to again, as a person would.
        driver.execute_async_script(SCROLL)
        state = driver.execute_script(STATE)
        if state["empty"] == 0 and not state["plain"]:
            break
        time.sleep(0.25)
    return state


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--book", type=pathlib.Path, default=pathlib.Path("book/out"))
    arguments.add_argument("--shots", type=pathlib.Path)
    arguments = arguments.parse_args()
    book = arguments.book.resolve()
    pages = sorted(page for page in book.glob("*.html") if page.name not in ("404.html", "toc.html", "print.html"))
    findings, ids, links, figures, formulas = [], {}, [], 0, 0
    driver = browser()
    for page in pages:
        state = wait(driver, page)
        ids[page] = set(state["ids"])
        links += [(page, link) for link in state["links"]]
        figures, formulas = figures + state["plots"], formulas + state["math"]
        console = [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
        checks = [
            ("console errors", console),
            ("figures not drawn", state["empty"]),
            ("formulas not drawn", state["plain"] + state["errors"]),
            ("pictures without words", state["silent"]),
            ("pictures not loaded", state["broken"]),
        ]
        findings += [f"{page.name}: {what}: {got}" for what, got in checks if got]
        print(f"{page.name}: {state['plots']} figures, {state['math']} formulas")
        if arguments.shots:
            arguments.shots.mkdir(parents=True, exist_ok=True)
            for theme in ["light", "navy"]:
                driver.execute_script(f"localStorage.setItem('mdbook-theme', '{theme}')")
                driver.set_window_size(1280, 1000)
                wait(driver, page)
                height = driver.execute_script("return document.documentElement.scrollHeight")
                driver.set_window_size(1280, min(height + 100, 16000))
                time.sleep(0.7)
                driver.save_screenshot(str(arguments.shots / f"{page.stem}-{theme}.png"))
            driver.execute_script("localStorage.removeItem('mdbook-theme')")
            driver.set_window_size(1280, 1000)
    for page, link in links:
        target = urllib.parse.urlsplit(link)
        if target.scheme != "file":
            continue
        path = pathlib.Path(urllib.parse.unquote(target.path))
        anchor = urllib.parse.unquote(target.fragment)
        if not path.is_file() or (anchor and path in ids and anchor not in ids[path]):
            findings.append(f"{page.name}: broken link {link}")
    # A word of the prose and one that only a figure's words hold.
    driver.get(pages[-1].as_uri())
    for word in ["logarithm", "boundaries"]:
        driver.get(f"{pages[-1].as_uri()}?search={word}")
        for _ in range(40):
            results = driver.find_elements(By.CSS_SELECTOR, "#mdbook-searchresults li, #searchresults li")
            if results:
                break
            time.sleep(0.25)
        if not results:
            findings.append(f"search for {word}: nothing found")
    driver.quit()
    driver = browser(scripts=False)
    for page in pages:
        driver.get(page.as_uri())
        shown = [still.is_displayed() for still in driver.find_elements(By.CSS_SELECTOR, ".still")]
        if not all(shown):
            findings.append(f"{page.name}: scripts off: {shown.count(False)} stills hidden")
    driver.quit()
    print(f"{len(pages)} pages, {figures} figures, {formulas} formulas, {len(links)} links: {len(findings)} findings")
    for finding in findings:
        print(f"  {finding}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
