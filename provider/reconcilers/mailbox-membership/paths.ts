/** Property path of a member. */
export function pathOf(key: string): string {
  return `members["${key}"]`;
}
