/** Characters that html writes as a reference, and the names of those references. */
const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };
const REFERENCE = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(amp|lt|gt|quot|apos|nbsp));/gi;
/** Elements that a text meant as html is likely to have. Other words in angle brackets are text. */
const MARKUP =
  /<!(?:--|doctype\b)|<\/?(?:a|b|body|br|center|div|em|font|h[1-6]|head|hr|html|i|img|li|ol|p|pre|span|strong|style|table|tbody|td|th|tr|u|ul)(?:\s+[\w-]+=[^<>]*)?\s*\/?>/i;

/** A MailTip in canonical form: white space as one blank, as html shows it. */
export function canonicalMailTip(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** Whether a text is meant as html, which a MailTip does not take: it would be shown with its tags. */
export function hasMarkup(text: string): boolean {
  return MARKUP.test(text) || text.search(REFERENCE) !== -1;
}

/** How a text goes into Exchange, which puts an html document around it and takes what is in it for html. */
export function mailTipHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** What a reader sees of a MailTip as Exchange keeps it: html taken off, references as the characters they stand for. */
export function displayedMailTip(html: string): string {
  const text = html
    .replace(/<!--[\s\S]*?-->/g, "")
    .replace(/<\/?(?:br|p|div)\b[^<>]*>/gi, " ")
    .replace(/<[/!]?[a-z][^<>]*>/gi, "");
  return canonicalMailTip(text.replace(REFERENCE, (reference, ...groups) => decoded(groups) ?? reference));
}

function decoded([decimal, hex, name]: unknown[]): string | undefined {
  if (typeof name === "string") {
    return NAMED[name.toLowerCase()];
  }
  const code = typeof decimal === "string" ? Number(decimal) : Number.parseInt(String(hex), 16);
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}
