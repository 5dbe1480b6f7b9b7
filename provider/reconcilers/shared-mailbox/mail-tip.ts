/** Entities that a service writes for plain characters; `&amp;` last, so that nothing is decoded twice in one pass. */
const ENTITIES: ReadonlyArray<readonly [RegExp, string]> = [
  [/&nbsp;/gi, " "],
  [/&lt;/gi, "<"],
  [/&gt;/gi, ">"],
  [/&quot;/gi, '"'],
  [/&(?:#39|apos);/gi, "'"],
  [/&amp;/gi, "&"],
];

/**
 * What a reader sees of a MailTip: html taken off, white space as one blank. Exchange keeps it in an html document, whatever was
 * given. What comes out stays as it is when it goes in again.
 */
export function displayedMailTip(html: string): string {
  let text = html;
  for (let before = ""; before !== text; ) {
    before = text;
    text = ENTITIES.reduce(
      (decoded, [entity, character]) => decoded.replace(entity, character),
      text
        .replace(/<!--[\s\S]*?-->/g, "")
        .replace(/<\/?(?:br|p|div)\b[^<>]*>/gi, " ")
        .replace(/<[/!]?[a-z][^<>]*>/gi, ""),
    )
      .replace(/\s+/g, " ")
      .trim();
  }
  return text;
}
