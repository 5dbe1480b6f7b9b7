/** A property path as users write it: `members["ada@contoso.com"].sendAs`, `emailAliases[2]`. */
export function spell(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") {
      return `${text}[${part}]`;
    }
    const name = String(part);
    if (/^[A-Za-z_]\w*$/.test(name)) {
      return text === "" ? name : `${text}.${name}`;
    }
    return `${text}[${JSON.stringify(name)}]`;
  }, "");
}

/**
 * The parts of a property path as users and Pulumi write it: `forwarding.to`, `sources["a@contoso.com"].drift`, `["type"]`,
 * `emailAliases[*]`.
 */
export function partsOf(path: string): string[] {
  const parts = path.matchAll(
    /\[\s*(?<mark>["'`])(?<quoted>.*?)\k<mark>\s*\]|\[\s*(?<plain>[^\]]*?)\s*\]|(?<name>[^.[\]]+)/g,
  );
  return [...parts].map(({ groups = {} }) => groups.quoted ?? groups.plain ?? groups.name ?? "");
}
