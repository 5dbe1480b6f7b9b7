import { type Claim, Claims } from "../../provider/core/claims";

const urnOf = (name: string) => `urn:pulumi:dev::p::pulumi-nodejs:dynamic/mailboxes:SharedMailbox::${name}`;
const claimant = (name: string) => ({ urn: urnOf(name) });
const claimOf = (path: string, thing: string[], value?: string, isAdvice?: true): Claim => ({
  path,
  thing,
  ...(value === undefined ? {} : { value }),
  ...(isAdvice === undefined ? {} : { isAdvice }),
  reason: (own, other, claim) => `${own} and ${other} say ${path} and ${claim.path}`,
});

describe("claims of many resources", () => {
  test("what one resource claims is not looked at when others claim something else", () => {
    const claims = new Claims();
    let looks = 0;
    const watched: Claim = {
      ...claimOf("primarySmtpAddress", []),
      get thing() {
        looks += 1;
        return ["recipient/first@contoso.com"];
      },
    };
    claims.claim([watched], claimant("first"));
    const own = looks;
    for (let number = 0; number < 200; number += 1) {
      const name = `recipient/box${number}@contoso.com`;
      expect(claims.claim([claimOf("primarySmtpAddress", [name])], claimant(`box${number}`)).problems).toEqual([]);
      claims.learn(name, `recipient/id-${number}`, true);
      claims.settle([claimOf("primarySmtpAddress", [name])], urnOf(`box${number}`));
    }
    expect(looks).toBe(own);
  });

  test("a name that comes to mean another's brings out the contradiction", () => {
    const claims = new Claims();
    claims.claim([claimOf("mailbox", ["access", "recipient/info@contoso.com"], "a")], claimant("one"));
    const other = claimOf("mailbox", ["access", "recipient/Support@contoso.com"], "b");
    expect(claims.claim([other], claimant("two")).problems).toEqual([]);
    claims.settle([other], urnOf("two"));
    claims.learn("recipient/SUPPORT@contoso.com", "recipient/id", true);
    claims.learn("recipient/info@contoso.com", "recipient/id", true);
    expect(claims.conflictsOf(urnOf("one"))).toEqual([
      { path: "mailbox", reason: 'the SharedMailbox "one" and the SharedMailbox "two" say mailbox and mailbox' },
    ]);
  });

  test("says the same as a look through all claims, whatever comes when", () => {
    const random = seeded(7);
    const pick = (count: number) => Math.floor(random() * count);
    for (let run = 0; run < 60; run += 1) {
      const [indexed, plain] = [new Claims(), new PlainClaims()];
      for (let step = 0; step < 40; step += 1) {
        const name = `n${pick(6)}`;
        const made = Array.from({ length: pick(4) }, () =>
          claimOf(
            `p${pick(3)}`,
            Array.from({ length: 1 + pick(2) }, () => `x/${pick(5)}`),
            [undefined, "a", "b"][pick(3)],
          ),
        );
        const act = pick(4);
        if (act === 0) {
          expect(indexed.claim(made, claimant(name))).toEqual(plain.claim(made, claimant(name)));
        } else if (act === 1) {
          indexed.settle(made, urnOf(name));
          plain.settle(made, urnOf(name));
        } else if (act === 2) {
          const [from, to, isCertain] = [`x/${pick(5)}`, `x/${pick(5)}`, pick(2) === 0];
          indexed.learn(from, to, isCertain);
          plain.learn(from, to, isCertain);
        }
        expect(indexed.conflictsOf(urnOf(name))).toEqual(plain.conflictsOf(urnOf(name)));
        const thing = `x/${pick(5)}`;
        expect(indexed.isClaimedByAnother(thing, { urn: urnOf(name) })).toBe(
          plain.isClaimedByAnother(thing, urnOf(name)),
        );
      }
    }
  });
});

/** Numbers from 0 to 1 that are the same in each run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

/** Claims as a list that is looked through. */
class PlainClaims {
  readonly #claims = new Map<string, { claims: readonly Claim[]; isFinal: boolean }>();
  readonly #meanings = new Map<string, string>();

  claim(claims: readonly Claim[], { urn }: { urn: string }) {
    const problems = this.#problems(claims, urn, () => true);
    this.#claims.set(urn, { claims, isFinal: problems.length > 0 });
    return { problems, advice: [] };
  }

  settle(claims: readonly Claim[], urn: string): void {
    this.#claims.set(urn, { claims, isFinal: true });
  }

  conflictsOf(urn: string) {
    return this.#problems(this.#claims.get(urn)?.claims ?? [], urn, (isFinal) => isFinal);
  }

  isClaimedByAnother(thing: string, urn: string): boolean {
    return [...this.#claims].some(
      ([other, { claims }]) => other !== urn && claims.some((one) => this.#key(one.thing) === this.#key([thing])),
    );
  }

  learn(name: string, meaning: string, isCertain: boolean): void {
    if (name !== meaning && (isCertain || !this.#meanings.has(name))) {
      this.#meanings.set(name, meaning);
    }
  }

  #problems(claims: readonly Claim[], urn: string, counts: (isFinal: boolean) => boolean) {
    return claims.flatMap((claim) =>
      [...this.#claims].flatMap(([other, of]) => {
        const rival = of.claims.find(
          (one) =>
            !(claim.value !== undefined && claim.value === one.value) &&
            this.#key(claim.thing) === this.#key(one.thing),
        );
        const isRival = rival !== undefined && other !== urn && counts(of.isFinal);
        const nameOf = (one: string) => `the SharedMailbox "${one.split("::").pop()}"`;
        return isRival ? [{ path: claim.path, reason: claim.reason(nameOf(urn), nameOf(other), rival) }] : [];
      }),
    );
  }

  #key(thing: readonly string[]): string {
    const meaning = (name: string) => this.#meanings.get(name) ?? name;
    return thing.map((name) => meaning(meaning(name))).join("\n");
  }
}
