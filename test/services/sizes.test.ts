import fc from "fast-check";
import { canonicalSize, parseSize } from "../../provider/http/json";
import {
  canonicalMailTip,
  displayedMailTip,
  hasMarkup,
  mailTipHtml,
} from "../../provider/kinds/shared-mailbox/properties";

describe("a size", () => {
  test.each<[string | number, number | undefined]>([
    ["49.5 GB", 53_150_220_288],
    ["49.5GB", 53_150_220_288],
    [" 50gb ", 53_687_091_200],
    ["50 GiB", 53_687_091_200],
    ["512 KB", 524_288],
    ["0.1 TB", 109_951_162_778],
    ["53150220288", 53_150_220_288],
    ["53,150,220,288 bytes", 53_150_220_288],
    ["1 byte", 1],
    ["100 B", 100],
    [36_700_160, 36_700_160],
    ["49.5 GB (53,150,220,288 bytes)", 53_150_220_288],
    ["Unlimited", undefined],
    ["49,5 GB", undefined],
    ["-1 GB", undefined],
    ["50 GB or so", undefined],
    ["", undefined],
    [1.5, undefined],
    [-1, undefined],
  ])("%j is %s bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each([
    [53_150_220_288, "49.5 GB"],
    [52_613_349_376, "49 GB"],
    [36_700_160, "35 MB"],
    [1_610_612_736, "1.5 GB"],
    [1, "1 KB"],
    [1_000_000, "977 KB"],
    [107_374_182_400, "100 GB"],
  ])("of %i bytes is written %s", (bytes, text) => {
    expect(canonicalSize(bytes)).toBe(text);
  });

  test("keeps its value, in whole kilobytes, and its canonical form", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 * 1024 ** 3 }), (bytes) => {
        const text = canonicalSize(bytes);
        const kilobytes = Math.ceil(bytes / 1024);
        expect(Math.ceil((parseSize(text) ?? 0) / 1024)).toBe(kilobytes);
        expect(canonicalSize(parseSize(text) ?? 0)).toBe(text);
      }),
    );
  });
});

describe("a MailTip", () => {
  test.each([
    ["<html>\r\n<body>\r\nWe answer within a day\r\n</body>\r\n</html>\r\n", "We answer within a day"],
    ["R&amp;D &lt;team&gt;", "R&D <team>"],
    ["&amp;lt; is &#60; and &#x3c;; it&apos;s &quot;so&quot;", '&lt; is < and <; it\'s "so"'],
    ["R&D", "R&D"],
    ["a < b &gt; c", "a < b > c"],
    ["one<br>two<p>three</p>", "one two three"],
    ["<!-- nothing -->\n<b>  Closed </b> on   Friday", "Closed on Friday"],
    ["<b></b>", ""],
  ])("%j shows %j", (html, text) => {
    expect(displayedMailTip(html)).toBe(text);
  });

  test.each([
    ["Closed on <b>Sundays</b>", true],
    ["<html><body>Closed</body></html>", true],
    ["one<br/>two", true],
    ["R&amp;D", true],
    ["Closed <!-- for now -->", true],
    ["within <two> days, ask <name>", false],
    ["R&D & sons; a<b and b>c; AT&T", false],
  ])("%j is html: %s", (text, expected) => {
    expect(hasMarkup(text)).toBe(expected);
  });

  test("shows exactly what is written, wrapped or not", () => {
    const parts = fc.constantFrom(
      "<b>",
      "&amp;",
      "amp;",
      "&lt;",
      "<two>",
      "<",
      ">",
      "b",
      " ",
      "R&D",
      "<!--",
      "-->",
      "é",
      "lt;",
      "&#60;",
      '"',
      "'",
    );
    fc.assert(
      fc.property(
        fc.array(parts).map((texts) => texts.join("")),
        (text) => {
          const html = mailTipHtml(text);
          expect(displayedMailTip(html)).toBe(canonicalMailTip(text));
          expect(displayedMailTip(`<html>\r\n<body>\r\n${html}\r\n</body>\r\n</html>\r\n`)).toBe(
            canonicalMailTip(text),
          );
        },
      ),
    );
  });
});
