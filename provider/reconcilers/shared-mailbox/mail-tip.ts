import { decoded, hasReference } from "./html-references";

/** Elements that a text meant as html is likely to have. Other words in angle brackets are text. */
const MARKUP =
  /<!(?:--|doctype\b)|<\/?(?:a|b|body|br|center|div|em|font|h[1-6]|head|hr|html|i|img|li|ol|p|pre|span|strong|style|table|tbody|td|th|tr|u|ul)(?:\s+[\w-]+=[^<>]*)?\s*\/?>/i;

/** A MailTip in canonical form: white space as one blank, as html shows it. */
export function canonicalMailTip(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** Whether a text is meant as html, which a MailTip does not take: it would be shown with its tags. */
export function hasMarkup(text: string): boolean {
  return MARKUP.test(text) || hasReference(text);
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
  return canonicalMailTip(decoded(text));
}
