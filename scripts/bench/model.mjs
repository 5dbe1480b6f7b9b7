/**
 * How long what a tenant was asked would take at Microsoft, computed from the order in which it came.
 *
 * A request begins once all those have ended that had ended before it began, so that as many are in flight at a time as really were. It
 * takes as long as its cmdlets one after the other, those of a `$batch` in full. Four requests of Graph in a `$batch` run at a time. What
 * the engine and the provider do in between takes no time.
 *
 * @param requests as the tenant's log has them.
 * @param cmdlet seconds that one cmdlet, or one request of Graph, takes.
 * @returns seconds in all, and how many requests were in flight on average.
 */
export function modelled(requests, cmdlet) {
  const all = requests
    .filter(({ service }) => service !== "login")
    .map(({ service, at, took, inner = [{}] }) => ({
      from: Date.parse(at),
      to: Date.parse(at) + took,
      takes: (service === "graph" ? Math.ceil(inner.length / 4) : inner.length) * cmdlet,
    }))
    .sort((one, other) => one.from - other.from);
  for (const one of all) {
    const before = all.filter((other) => other !== one && other.to <= one.from);
    one.end = Math.max(0, ...before.map(({ end }) => end)) + one.takes;
  }
  const seconds = Math.max(0, ...all.map(({ end }) => end));
  return { seconds, inFlight: all.reduce((sum, { takes }) => sum + takes, 0) / seconds };
}
