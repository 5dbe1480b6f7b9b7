import * as pulumi from "@pulumi/pulumi";

/**
 * A list that stands for a map, as it is passed to the engine. Known now, it becomes the map at once, because
 * `ignoreChanges` by key is applied before the provider sees it. With values still to come it passes as it is, so that the
 * known ones stay visible in a preview; if one of them is a secret the whole list becomes one, because a value that turns
 * into a key takes no secrecy along.
 */
export function keyedFromList(list: unknown): unknown {
  if (!Array.isArray(list)) {
    return list;
  }
  const known = list.filter((element) => typeof element === "string").map((element) => element.trim().toLowerCase());
  if (known.length < list.length) {
    return Promise.all(list.map((element) => pulumi.isSecret(pulumi.output(element)))).then((secrets) =>
      secrets.some(Boolean) ? pulumi.secret(list) : list,
    );
  }
  // A name given twice would vanish in a map, and a wrong one would be told in another spelling: the provider refuses both, and can
  // only do so well if it sees the list.
  const isPlain = new Set(known).size === known.length && known.every((element) => /@|^[0-9a-f-]{36}$/.test(element));
  return isPlain ? Object.fromEntries(known.map((element) => [element, {}])) : list;
}
