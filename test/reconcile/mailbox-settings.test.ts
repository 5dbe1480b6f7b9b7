import { failure, type Resource, type Row, startWorld, type World } from "./harness";

const support = { displayName: "Contoso Support", primarySmtpAddress: "support@contoso.com" };
const away = {
  status: "alwaysEnabled",
  internalMessage: "Back on Monday",
  externalMessage: "<p>We answer on Monday</p>",
  externalAudience: "contactsOnly",
};
const christmas = {
  ...away,
  status: "scheduled",
  start: "2999-12-24T11:00:00Z",
  end: "3000-01-02T07:00:00Z",
};
const danish = {
  language: "da-DK",
  timeZone: "Romance Standard Time",
  dateFormat: "yyyy-MM-dd",
  timeFormat: "H:mm",
};

async function settings(world: World, { id }: Resource): Promise<Row> {
  return (await world.graph("GET", `/users/${id}/mailboxSettings`)) ?? {};
}

/** What the mailbox keeps, as Graph shows it to anybody, in the words of a program. */
async function seen(world: World, resource: Resource): Promise<{ automaticReplies: Row; regional: Row }> {
  const body = await settings(world, resource);
  const replies = body.automaticRepliesSetting as Row;
  const message = (text: unknown) => /<body>\s*([\s\S]*?)\s*<\/body>/.exec(String(text))?.[1] ?? text;
  const time = (at: unknown) => `${(at as Row).dateTime} ${(at as Row).timeZone}`;
  return {
    automaticReplies: {
      status: replies.status,
      externalAudience: replies.externalAudience,
      internalMessage: message(replies.internalReplyMessage),
      externalMessage: message(replies.externalReplyMessage),
      start: time(replies.scheduledStartDateTime),
      end: time(replies.scheduledEndDateTime),
    },
    regional: {
      language: (body.language as Row).locale,
      timeZone: body.timeZone,
      dateFormat: body.dateFormat,
      timeFormat: body.timeFormat,
    },
  };
}

/** Changes them behind our back. */
async function byHand(world: World, { id }: Resource, change: Row): Promise<void> {
  await world.graph("PATCH", `/users/${id}/mailboxSettings`, change);
  await world.writes();
}

async function made(world: World, program: Row): Promise<Resource> {
  const resource = await world.resource("SharedMailbox", "support").up({ ...support, ...program });
  await world.writes();
  return resource;
}

/** Nothing differs, before and after a look at the tenant. */
async function expectConverged(resource: Resource, program: Row): Promise<void> {
  expect(await resource.plan({ ...support, ...program })).toEqual([]);
  expect(await resource.refresh()).toEqual({});
  expect(await resource.plan({ ...support, ...program })).toEqual([]);
}

/** Bodies of the requests that wrote settings since the start, newest last. */
async function written(world: World): Promise<Row[]> {
  const requests = (await world.control("GET", "requests?writes=true")) as unknown as Row[];
  return requests
    .filter(({ path, cmdlet }) => `${path}${cmdlet}`.match(/mailboxSettings|Set-Mailbox(AutoReply|Regional)/))
    .map(({ body }) => body as Row);
}

async function requestsFor(world: World, part: string): Promise<number> {
  return JSON.stringify(await world.control("GET", "requests")).split(part).length - 1;
}

/** One member and what happens to it. `drift` is what somebody writes by hand, `drifted` how a program would say it. */
interface Case {
  path: string;
  first: unknown;
  second: unknown;
  removed: unknown;
  drift: Row;
  drifted: unknown;
}

const cases: Case[] = [
  {
    path: "automaticReplies/status",
    first: "alwaysEnabled",
    second: "disabled",
    removed: "disabled",
    drift: { automaticRepliesSetting: { status: "disabled" } },
    drifted: "disabled",
  },
  {
    path: "automaticReplies/internalMessage",
    first: "Back on Monday",
    second: "Back on <b>Tuesday</b>",
    removed: "",
    drift: { automaticRepliesSetting: { internalReplyMessage: "Gone fishing" } },
    drifted: "Gone fishing",
  },
  {
    path: "automaticReplies/externalMessage",
    first: "<p>We answer on Monday</p>",
    second: "<p>We answer on Tuesday</p>",
    removed: "",
    drift: { automaticRepliesSetting: { externalReplyMessage: null } },
    drifted: "",
  },
  {
    path: "automaticReplies/externalAudience",
    first: "contactsOnly",
    second: "none",
    removed: "all",
    drift: { automaticRepliesSetting: { externalAudience: "all" } },
    drifted: "all",
  },
  {
    path: "regional/language",
    first: "da-DK",
    second: "de-DE",
    removed: "da-DK",
    drift: { language: { locale: "fr-FR" }, dateFormat: "yyyy-MM-dd", timeFormat: "H:mm" },
    drifted: "fr-FR",
  },
  {
    path: "regional/timeZone",
    first: "Romance Standard Time",
    second: "W. Europe Standard Time",
    removed: "Romance Standard Time",
    drift: { timeZone: "Asia/Tokyo" },
    drifted: "Tokyo Standard Time",
  },
  {
    path: "regional/dateFormat",
    first: "yyyy-MM-dd",
    second: "dd-MM-yyyy",
    removed: "",
    drift: { dateFormat: "d/M/yyyy" },
    drifted: "d/M/yyyy",
  },
  {
    path: "regional/timeFormat",
    first: "H:mm",
    second: "HH:mm",
    removed: "",
    drift: { timeFormat: "" },
    drifted: null,
  },
];

const base: Row = { automaticReplies: away, regional: danish };

function withMember(path: string, value: unknown): Row {
  const [property = "", member = ""] = path.split("/");
  const { [member]: _old, ...rest } = base[property] as Row;
  return { ...base, [property]: value === undefined ? rest : { ...rest, [member]: value } };
}

function memberAt(values: unknown, path: string): unknown {
  return path.split("/").reduce<unknown>((value, key) => (value as Row)[key], values);
}

describe.each(cases)("$path", ({ path, first, second, removed, drift, drifted }) => {
  test("is set at creation", async () => {
    const world = await startWorld();
    const resource = await made(world, base);
    expect(memberAt(await seen(world, resource), path)).toEqual(first);
    expect(memberAt(resource.outputs, path)).toEqual(first);
    await expectConverged(resource, base);
  });

  test("is changed in place with one write, and its neighbours stay", async () => {
    const world = await startWorld();
    const resource = await made(world, base);
    const before = await seen(world, resource);
    const program = withMember(path, second);
    expect(await resource.plan({ ...support, ...program })).toEqual([path]);
    await resource.up({ ...support, ...program });
    expect(await world.writes()).toEqual([expect.stringMatching(/^PATCH .*mailboxSettings$/)]);
    const now = await seen(world, resource);
    expect(memberAt(now, path)).toEqual(second);
    const [property = "", member = ""] = path.split("/");
    const other = property === "regional" ? "automaticReplies" : "regional";
    expect(now[other]).toEqual(before[other]);
    expect({ ...(now as Row), [property]: { ...(memberAt(now, property) as Row), [member]: first } }).toEqual(before);
    await expectConverged(resource, program);
  });

  test("goes back to its default, or stays with a warning, when it is removed", async () => {
    const world = await startWorld();
    const resource = await made(world, base);
    const program = path.endsWith("status") ? { regional: danish } : withMember(path, undefined);
    await resource.up({ ...support, ...program });
    expect(memberAt(await seen(world, resource), path)).toEqual(removed);
    const isSticky = removed === first;
    expect(
      world.warnings.some((warning) => warning.startsWith(`${path.replace("/", ".")} is no longer declared`)),
    ).toBe(isSticky);
    await expectConverged(resource, program);
  });

  test("shows a change behind our back with old and new value, and is repaired", async () => {
    const world = await startWorld();
    const resource = await made(world, base);
    const before = await seen(world, resource);
    await byHand(world, resource, drift);
    expect(await resource.refresh()).toEqual({ [path]: [first, drifted] });
    expect(await resource.plan({ ...support, ...base })).toEqual([path]);
    await resource.up({ ...support, ...base });
    expect(await seen(world, resource)).toEqual(before);
    await expectConverged(resource, base);
  });

  test("is left alone by a program that never declared it", async () => {
    const world = await startWorld();
    const others = path.endsWith("status") ? { regional: danish } : withMember(path, undefined);
    const resource = await made(world, others);
    await byHand(world, resource, drift);
    const before = memberAt(await seen(world, resource), path);
    const moved = {
      ...others,
      hiddenFromAddressLists: true,
      regional: { ...(others.regional as Row), timeZone: "UTC" },
    };
    await resource.up({ ...support, ...moved });
    expect(memberAt(await seen(world, resource), path)).toEqual(path.endsWith("timeZone") ? "UTC" : before);
  });
});

describe("a schedule", () => {
  const scheduled = { automaticReplies: christmas };

  test("is set, changed, removed, and shown and repaired when it was moved", async () => {
    const world = await startWorld();
    const resource = await made(world, scheduled);
    expect((await seen(world, resource)).automaticReplies).toMatchObject({
      status: "scheduled",
      start: "2999-12-24T11:00:00.0000000 UTC",
      end: "3000-01-02T07:00:00.0000000 UTC",
    });
    await expectConverged(resource, scheduled);

    const longer = { automaticReplies: { ...christmas, end: "3000-01-03T07:00:00Z" } };
    expect(await resource.plan({ ...support, ...longer })).toEqual(["automaticReplies/end"]);
    await resource.up({ ...support, ...longer });
    await byHand(world, resource, {
      automaticRepliesSetting: {
        scheduledStartDateTime: { dateTime: "2999-12-23T12:00:00", timeZone: "Romance Standard Time" },
      },
    });
    expect(await resource.refresh()).toEqual({
      "automaticReplies/start": ["2999-12-24T11:00:00Z", "2999-12-23T11:00:00Z"],
    });
    await resource.up({ ...support, ...longer });
    expect((await seen(world, resource)).automaticReplies).toMatchObject({
      start: "2999-12-24T11:00:00.0000000 UTC",
      end: "3000-01-03T07:00:00.0000000 UTC",
    });

    const always = { automaticReplies: away };
    await resource.up({ ...support, ...always });
    expect((await seen(world, resource)).automaticReplies).toMatchObject({ status: "alwaysEnabled" });
    await expectConverged(resource, always);
    await resource.up(support);
    expect((await seen(world, resource)).automaticReplies).toMatchObject({
      status: "disabled",
      externalAudience: "all",
      internalMessage: "",
      externalMessage: "",
    });
    await expectConverged(resource, {});
  });

  test("is the same in another offset, without seconds and with fractions", async () => {
    const world = await startWorld();
    const resource = await made(world, scheduled);
    const respelled = {
      ...christmas,
      status: "Scheduled",
      externalAudience: "CONTACTSONLY",
      start: "2999-12-24T12:00+01:00",
      end: "3000-01-02t02:00:00.000-05:00",
    };
    expect(await resource.plan({ ...support, automaticReplies: respelled })).toEqual([]);
  });

  describe("that is over", () => {
    const times = { start: "2001-01-01T00:00:00Z", end: "2001-01-02T00:00:00Z" };
    const over = { automaticReplies: { ...christmas, ...times } };
    const refusal = /^automaticReplies\.end: is in the past, .* write a later end, or status "disabled"/;

    /** A mailbox whose schedule was in the future when it was written. */
    async function overByNow(world: World): Promise<Resource> {
      const resource = await made(world, scheduled);
      const { automaticReplies } = await world.control("GET", `state/mailboxSettings/${resource.id}`);
      const at = (dateTime: string) => ({ dateTime: dateTime.replace("Z", ".0000000"), timeZone: "UTC" });
      await world.control("PATCH", `state/mailboxSettings/${resource.id}`, {
        automaticReplies: {
          ...(automaticReplies as Row),
          scheduledStartDateTime: at(times.start),
          scheduledEndDateTime: at(times.end),
        },
      });
      for (const part of [resource.state?.inputs, resource.state?.outputs]) {
        Object.assign(part?.automaticReplies as Row, times);
      }
      await world.writes();
      return resource;
    }

    test("is refused in preview when it is new or changed", async () => {
      const world = await startWorld();
      expect(await failure(world.resource("SharedMailbox", "support").check({ ...support, ...over }))).toMatch(refusal);
      const resource = await made(world, scheduled);
      expect(await failure(resource.plan({ ...support, ...over }))).toMatch(refusal);
      const past = await overByNow(await startWorld());
      const changed = { automaticReplies: { ...over.automaticReplies, internalMessage: "Back on Tuesday" } };
      expect(await failure(past.plan({ ...support, ...changed }))).toMatch(refusal);
    });

    test("is no obstacle to anything else, and no difference while nothing is sent", async () => {
      const world = await startWorld();
      const resource = await overByNow(world);
      await expectConverged(resource, over);
      await resource.up({ ...support, ...over, hiddenFromAddressLists: true });
      expect(await world.writes()).toEqual(["Set-Mailbox"]);
      await byHand(world, resource, { automaticRepliesSetting: { status: "disabled" } });
      await expectConverged(resource, { ...over, hiddenFromAddressLists: true });
      await resource.up({ ...support, ...over });
      await resource.up({ ...support, automaticReplies: { status: "disabled" } });
      await expectConverged(resource, { automaticReplies: { status: "disabled" } });
    });

    test("is named with its remedy when replies are sent all the same", async () => {
      const world = await startWorld();
      const resource = await overByNow(world);
      await byHand(world, resource, { automaticRepliesSetting: { status: "alwaysEnabled" } });
      expect(await failure(resource.up({ ...support, ...over, hiddenFromAddressLists: true }))).toMatch(refusal);
      expect(await world.writes()).toEqual([]);
      expect(await resource.refresh()).toEqual({ "automaticReplies/status": ["scheduled", "alwaysEnabled"] });
      expect(await failure(resource.plan({ ...support, ...over }))).toMatch(refusal);
      await resource.up({ ...support, automaticReplies: { status: "disabled" } });
      expect((await seen(world, resource)).automaticReplies).toMatchObject({ status: "disabled" });
    });
  });
});

describe("replies that nobody gets are pointed out", () => {
  const on = { status: "alwaysEnabled", internalMessage: "We moved", externalMessage: "<p>We moved</p>" };
  const noCopy = { forwarding: { to: "ada@contoso.com", keepCopy: false } };
  const unread = /^automaticReplies: no reply is sent while forwarding\.keepCopy is false/;
  const noText = /^automaticReplies has no text to send/;

  test.each<[string, Row, RegExp[]]>([
    ["mail is forwarded without a copy", { ...noCopy, automaticReplies: on }, [unread]],
    ["a copy is kept", { forwarding: { to: "ada@contoso.com" }, automaticReplies: on }, []],
    ["they are off", { ...noCopy, automaticReplies: { ...on, status: "disabled" } }, []],
    [
      "a text is for nobody",
      { automaticReplies: { ...on, externalAudience: "none" } },
      [/^automaticReplies\.externalMessage is sent to nobody/],
    ],
    [
      "the only text is for nobody",
      { automaticReplies: { ...on, internalMessage: "", externalAudience: "none" } },
      [/^automaticReplies\.externalMessage is sent to nobody/, noText],
    ],
    ["there is no text", { automaticReplies: { status: "alwaysEnabled" } }, [noText]],
    [
      "the texts show nothing",
      { automaticReplies: { ...on, internalMessage: "<p>&nbsp;</p>", externalMessage: " \n" } },
      [noText],
    ],
    [
      "people outside are to have one, and there is none",
      { automaticReplies: { ...on, externalMessage: "<br>", externalAudience: "contactsOnly" } },
      [/^automaticReplies\.externalAudience is "contactsOnly", but externalMessage has no text/],
    ],
    ["only people inside have one", { automaticReplies: { status: "alwaysEnabled", internalMessage: "Back" } }, []],
    ["only people outside have one", { automaticReplies: { ...on, internalMessage: "" } }, []],
    ["a picture is all there is", { automaticReplies: { ...on, internalMessage: '<img src="x.png">' } }, []],
  ])("%s", async (_what, program, expected) => {
    const world = await startWorld();
    const resource = world.resource("SharedMailbox", "support");
    await resource.check({ ...support, ...program });
    expect(world.warnings).toEqual(expected.map((one) => expect.stringMatching(one)));
    await resource.up({ ...support, ...program });
    world.warnings.length = 0;
    await resource.plan({ ...support, ...program, displayName: "Renamed" });
    expect(world.warnings).toEqual([]);
  });

  test("also when the forward comes later", async () => {
    const world = await startWorld();
    const resource = await made(world, { automaticReplies: on });
    await resource.plan({ ...support, automaticReplies: on, ...noCopy });
    expect(world.warnings).toEqual([expect.stringMatching(unread)]);
  });
});

describe("texts", () => {
  test.each([
    ["in a document of its own", "<html><body>Back on Monday</body></html>"],
    ["as the service gives it back", "<html>\r\n<body>\r\nBack on Monday\r\n</body>\r\n</html>\r\n"],
    ["with space around", "\n  Back on Monday\t"],
  ])("are the same %s", async (_what, internalMessage) => {
    const world = await startWorld();
    const resource = await made(world, { automaticReplies: away });
    expect(await resource.plan({ ...support, automaticReplies: { ...away, internalMessage } })).toEqual([]);
  });

  test("with line breaks, entities and a document with a head are no drift", async () => {
    const world = await startWorld();
    const program = {
      automaticReplies: {
        ...away,
        internalMessage: 'Line one<br>\r\nline two & "three"',
        externalMessage: "<html><head><style>p { color: red }</style></head><body><p>Bye</p></body></html>",
      },
    };
    const resource = await made(world, program);
    await byHand(world, resource, {
      automaticRepliesSetting: {
        internalReplyMessage: "<html>\n<body>\nLine one<br>line two &amp; &quot;three&quot;\n</body>\n</html>\n",
      },
    });
    await expectConverged(resource, program);
  });

  test("that are null and empty are the same", async () => {
    const world = await startWorld();
    const resource = await made(world, { automaticReplies: { ...away, externalMessage: null } });
    const program = { automaticReplies: { ...away, externalMessage: "" } };
    await expectConverged(resource, program);
  });

  test("and times that are stored say nothing while replies are disabled", async () => {
    const world = await startWorld();
    const off = { automaticReplies: { ...away, status: "disabled" } };
    const resource = await made(world, off);
    await byHand(world, resource, {
      automaticRepliesSetting: {
        internalReplyMessage: "Something else",
        scheduledStartDateTime: { dateTime: "2026-01-01T00:00:00", timeZone: "UTC" },
      },
    });
    await expectConverged(resource, off);
    await resource.up({ ...support, automaticReplies: away });
    expect((await seen(world, resource)).automaticReplies).toMatchObject(away);
  });

  test("one that is taken back is cleared even while replies are disabled", async () => {
    const world = await startWorld();
    const resource = await made(world, { automaticReplies: away });
    const off = { automaticReplies: { status: "disabled", internalMessage: away.internalMessage } };
    await resource.up({ ...support, ...off });
    expect((await seen(world, resource)).automaticReplies).toMatchObject({
      status: "disabled",
      externalMessage: "",
      internalMessage: "Back on Monday",
    });
    await expectConverged(resource, off);
  });
});

describe("regional settings", () => {
  test("are the same in another case and by another name of the time zone", async () => {
    const world = await startWorld();
    const resource = await made(world, { regional: danish });
    for (const timeZone of ["Europe/Copenhagen", "europe/paris", "romance standard time"]) {
      expect(await resource.plan({ ...support, regional: { ...danish, language: "DA-dk", timeZone } })).toEqual([]);
    }
    await byHand(world, resource, { timeZone: "Europe/Paris" });
    await expectConverged(resource, { regional: danish });
  });

  test("a new language takes the formats along in the same call", async () => {
    const world = await startWorld();
    const resource = await made(world, { regional: { language: "da-DK", dateFormat: "yyyy-MM-dd" } });
    await resource.up({ ...support, regional: { language: "en-GB", dateFormat: "yyyy-MM-dd" } });
    expect((await written(world)).at(-1)).toEqual({
      language: { locale: "en-GB" },
      dateFormat: "yyyy-MM-dd",
    });
  });

  test("a new language puts formats back that others have set, in the same call", async () => {
    const world = await startWorld();
    const resource = await made(world, { regional: { language: "da-DK", dateFormat: "yyyy-MM-dd" } });
    await byHand(world, resource, { timeFormat: "H:mm" });
    const english = { regional: { language: "en-GB", dateFormat: "dd/MM/yyyy" } };
    await resource.up({ ...support, ...english });
    expect((await written(world)).at(-1)).toMatchObject({
      CmdletInput: {
        CmdletName: "Set-MailboxRegionalConfiguration",
        Parameters: { Language: "en-GB", DateFormat: "dd/MM/yyyy", TimeFormat: null },
      },
    });
    await expectConverged(resource, english);
  });

  test("removed altogether keep language and time zone, with a warning for each, and drop the formats", async () => {
    const world = await startWorld();
    const resource = await made(world, { regional: danish });
    await resource.up(support);
    expect(world.warnings).toEqual([
      "regional.language is no longer declared; the mailbox keeps da-DK.",
      "regional.timeZone is no longer declared; the mailbox keeps Romance Standard Time.",
    ]);
    expect((await seen(world, resource)).regional).toEqual({ ...danish, dateFormat: "", timeFormat: "" });
    await expectConverged(resource, {});
  });

  test.each<[Row, RegExp[]]>([
    [
      { language: "de-DE", dateFormat: "M/d/yyyy" },
      [/^regional\.dateFormat: the usual format of de-DE is dd\.MM\.yy\. .* may refuse M\/d\/yyyy/],
    ],
    [{ language: "fr-FR", timeFormat: "HH.mm" }, [/^regional\.timeFormat: the usual format of fr-FR is HH:mm/]],
    [{ language: "nl-NL", dateFormat: "d/M/yyyy", timeFormat: "H:mm" }, []],
    [{ language: "fi-FI", dateFormat: "yyyy-MM-dd", timeFormat: "H.mm" }, []],
    [{ language: "bg-BG", dateFormat: "d.M.yyyy '\u0433.'", timeFormat: "HH:mm" }, []],
    [{ dateFormat: "M/d/yyyy", timeFormat: "HH.mm" }, []],
  ])(
    "of a language whose formats are not known: %j is never refused before Exchange was asked",
    async (regional, expected) => {
      const world = await startWorld();
      await world.resource("SharedMailbox", "support").check({ ...support, regional });
      expect(world.warnings).toEqual(expected.map((one) => expect.stringMatching(one)));
    },
  );

  test("with a format that the state has from before stay as they are", async () => {
    const world = await startWorld();
    const resource = await made(world, { regional: { language: "en-GB" } });
    await world.control("PATCH", `state/mailboxSettings/${resource.id}`, { dateFormat: "M/d/yyyy" });
    for (const part of [resource.state?.inputs, resource.state?.outputs]) {
      Object.assign(part?.regional as Row, { dateFormat: "M/d/yyyy" });
    }
    await expectConverged(resource, { regional: { language: "en-GB", dateFormat: "M/d/yyyy" } });
    expect(
      await failure(resource.plan({ ...support, regional: { language: "en-US", dateFormat: "d/M/yyyy" } })),
    ).toMatch(/^regional\.dateFormat: is not a format of en-US/);
  });

  test("refused by Exchange reach the user with its list", async () => {
    const world = await startWorld();
    const message = await failure(made(world, { regional: { language: "de-DE", dateFormat: "M/d/yyyy" } }));
    expect(message).toContain(
      'DateFormat "M/d/yyyy" isn\'t valid for current language setting "de-DE". Valid formats include',
    );
  });

  describe("with folders to be named", () => {
    const folders = { regional: { ...danish, localizeFolders: true } };

    test("are written by the cmdlet that names them, in one call, and once", async () => {
      const world = await startWorld();
      const resource = await world.resource("SharedMailbox", "support").up({ ...support, ...folders });
      expect(await written(world)).toEqual([
        {
          CmdletInput: {
            CmdletName: "Set-MailboxRegionalConfiguration",
            Parameters: {
              Identity: resource.id,
              Language: "da-DK",
              TimeZone: "Romance Standard Time",
              DateFormat: "yyyy-MM-dd",
              TimeFormat: "H:mm",
              LocalizeDefaultFolderName: true,
            },
          },
        },
      ]);
      await expectConverged(resource, folders);
      await resource.up({ ...support, ...folders, displayName: "Support" });
      expect(await written(world)).toHaveLength(1);
    });

    test("name them again for another language and not for another time zone", async () => {
      const world = await startWorld();
      const resource = await made(world, folders);
      await resource.up({ ...support, regional: { ...folders.regional, timeZone: "UTC" } });
      expect(await world.writes()).toEqual([expect.stringMatching(/^PATCH/)]);
      await resource.up({ ...support, regional: { ...folders.regional, timeZone: "UTC", language: "sv-SE" } });
      expect(await world.writes()).toEqual(["Set-MailboxRegionalConfiguration"]);
      await expectConverged(resource, { regional: { ...folders.regional, timeZone: "UTC", language: "sv-SE" } });
    });

    test("are asked for alone, later, and taken back without a write", async () => {
      const world = await startWorld();
      const resource = await made(world, { regional: danish });
      await resource.up({ ...support, ...folders });
      expect((await written(world)).at(-1)).toMatchObject({
        CmdletInput: { Parameters: { Identity: resource.id, LocalizeDefaultFolderName: true } },
      });
      await world.writes();
      await resource.up({ ...support, regional: danish });
      expect(await world.writes()).toEqual([]);
    });

    test("go with automatic replies in two calls, and a failure of the second is made up for", async () => {
      const world = await startWorld();
      const program = { ...folders, automaticReplies: away };
      await world.fault({
        cmdlet: "Set-MailboxRegionalConfiguration",
        answer: { status: 400, body: { error: { code: "Broken", message: "not this time" } } },
      });
      const resource = world.resource("SharedMailbox", "support");
      expect(await failure(resource.up({ ...support, ...program }))).toContain("not this time");
      expect(resource.outputs).toMatchObject({ automaticReplies: away });
      await world.writes();
      await resource.up({ ...support, ...program });
      const writes = await world.writes();
      expect(writes).toContain("Set-MailboxRegionalConfiguration");
      expect(writes.join()).not.toContain("mailboxSettings");
      expect(resource.outputs.foldersLanguage).toBe("da-DK");
      await expectConverged(resource, program);
    });

    test("are not taken for named when the creation failed before", async () => {
      const world = await startWorld();
      await world.fault({
        cmdlet: "Set-Mailbox",
        answer: { status: 400, body: { error: { code: "Broken", message: "not this time" } } },
      });
      const program = { ...support, ...folders, hiddenFromAddressLists: true };
      const resource = world.resource("SharedMailbox", "support");
      expect(await failure(resource.up(program))).toContain("not this time");
      await resource.up(program);
      expect(await world.countOf("Set-MailboxRegionalConfiguration")).toBe(1);
    });
  });
});

describe("writing", () => {
  test("takes one request for both groups, beside the one for the mailbox itself", async () => {
    const world = await startWorld();
    const resource = await made(world, {});
    await resource.up({ ...support, ...base, displayName: "Support" });
    expect(await world.writes()).toEqual(["Set-Mailbox", expect.stringMatching(/^PATCH .*mailboxSettings$/)]);
  });

  test("and reading happen only where something is declared", async () => {
    const world = await startWorld();
    const resource = await made(world, { hiddenFromAddressLists: true });
    await resource.refresh();
    expect(await requestsFor(world, "mailboxSettings")).toBe(0);
  });

  test("settles where both services show writes late", async () => {
    const world = await startWorld({ settings: { lag: { exchange: 300, graph: 300 } } });
    const resource = await made(world, base);
    await expectConverged(resource, base);
  });

  test.each(["before", "after"])(
    "whose answer is lost (closed %s it happened) is observed and finished",
    async (close) => {
      const world = await startWorld({ config: { settleTimeout: "1s" } });
      const resource = await made(world, base);
      await world.fault({ service: "graph", method: "PATCH", path: "mailboxSettings", close });
      const { dateFormat: _gone, ...regional } = danish;
      const program = {
        automaticReplies: { ...away, internalMessage: "New" },
        regional: { ...regional, timeZone: "UTC" },
      };
      await resource.up({ ...support, ...program });
      expect(await seen(world, resource)).toMatchObject({
        automaticReplies: { internalMessage: "New" },
        regional: { timeZone: "UTC", dateFormat: "" },
      });
      await expectConverged(resource, program);
    },
  );

  test("a format put back whose answer is lost is written again", async () => {
    const world = await startWorld({ config: { settleTimeout: "1s" } });
    const resource = await made(world, { regional: danish });
    await world.fault({ cmdlet: "Set-MailboxRegionalConfiguration", close: "before" });
    await resource.up(support);
    expect((await seen(world, resource)).regional).toEqual({ ...danish, dateFormat: "", timeFormat: "" });
  });

  test("that is refused leaves the state as it was", async () => {
    const world = await startWorld();
    const resource = await made(world, base);
    const before = structuredClone(resource.state);
    await world.fault({
      service: "graph",
      method: "PATCH",
      path: "mailboxSettings",
      answer: { status: 400, body: { error: { code: "ErrorInvalidTimeSettings", message: "not these" } } },
    });
    const message = await failure(resource.up({ ...support, ...base, regional: { ...danish, timeZone: "UTC" } }));
    expect(message).toContain("changing regional of shared mailbox support@contoso.com: Microsoft Graph: not these");
    expect(resource.state).toEqual(before);
  });

  test("at an adoption says what it overwrites", async () => {
    const world = await startWorld();
    const [row] = await world.exchange("New-Mailbox", {
      Shared: true,
      Name: "by hand",
      Alias: "support",
      DisplayName: "Contoso Support",
      PrimarySmtpAddress: "support@contoso.com",
    });
    await world.graph("PATCH", `/users/${row?.ExternalDirectoryObjectId}/mailboxSettings`, {
      automaticRepliesSetting: { status: "alwaysEnabled", internalReplyMessage: "Old", externalReplyMessage: "Left" },
      timeZone: "UTC",
    });
    const program = {
      adopt: true,
      signInBlocked: true,
      automaticReplies: { status: "alwaysEnabled", internalMessage: "New" },
      regional: { timeZone: "Europe/Copenhagen" },
    };
    const resource = await world.resource("SharedMailbox", "support").up({ ...support, ...program });
    const told = world.warnings.join("\n");
    expect(told).toContain('automaticReplies.internalMessage "Old" → "New"');
    expect(told).toContain('regional.timeZone "UTC" → "Romance Standard Time"');
    expect((await seen(world, resource)).automaticReplies).toMatchObject({ externalMessage: "Left" });
    await expectConverged(resource, program);
  });
});

describe("where Graph", () => {
  const notEnabled = {
    status: 404,
    body: {
      error: {
        code: "MailboxNotEnabledForRESTAPI",
        message: "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
      },
    },
  };
  const denied = { status: 403, body: { error: { code: "ErrorAccessDenied", message: "Access is denied." } } };

  test("does not serve a new mailbox yet, it is waited for", async () => {
    const world = await startWorld();
    await world.fault({ service: "graph", path: "mailboxSettings", times: 2, answer: notEnabled });
    const resource = await world.resource("SharedMailbox", "support").up({ ...support, ...base });
    expect(await world.countOf("Set-MailboxAutoReplyConfiguration")).toBe(0);
    await expectConverged(resource, base);
  });

  test.each([
    ["keeps saying that it does not serve the mailbox", { answer: notEnabled }],
    ["forbids it", { answer: denied }],
    ["forbids writing", { answer: denied, method: "PATCH" }],
  ])("%s, the cmdlets of Exchange do all of it", async (_what, rule) => {
    const world = await startWorld({ config: { settleTimeout: "1s" } });
    await world.fault({ service: "graph", path: "mailboxSettings", times: "always", ...rule });
    const program = { automaticReplies: christmas, regional: danish };
    const resource = await world.resource("SharedMailbox", "support").up({ ...support, ...program });
    const shown = async () => ({
      ...(await world.exchange("Get-MailboxAutoReplyConfiguration", { Identity: resource.id }))[0],
      ...(await world.exchange("Get-MailboxRegionalConfiguration", { Identity: resource.id }))[0],
    });
    expect(await shown()).toMatchObject({
      AutoReplyState: "Scheduled",
      ExternalAudience: "Known",
      InternalMessage: expect.stringContaining("Back on Monday"),
      StartTime: expect.stringMatching(/^2999-12-24T11:00:00/),
      Language: "da-DK",
      TimeZone: "Romance Standard Time",
      DateFormat: "yyyy-MM-dd",
      TimeFormat: "H:mm",
    });
    await expectConverged(resource, program);

    await world.exchange("Set-MailboxAutoReplyConfiguration", {
      Identity: resource.id,
      InternalMessage: "Gone fishing",
    });
    await world.exchange("Set-MailboxRegionalConfiguration", { Identity: resource.id, TimeZone: "UTC" });
    expect(await resource.refresh()).toEqual({
      "automaticReplies/internalMessage": ["Back on Monday", "Gone fishing"],
      "regional/timeZone": ["Romance Standard Time", "UTC"],
    });
    await resource.up({ ...support, ...program });
    await expectConverged(resource, program);

    const english = { automaticReplies: away, regional: { language: "en-GB", timeZone: "UTC" } };
    await resource.up({ ...support, ...english });
    expect(await shown()).toMatchObject({ AutoReplyState: "Enabled", Language: "en-GB", TimeZone: "UTC" });
    await expectConverged(resource, english);

    await resource.up(support);
    expect(await shown()).toMatchObject({
      AutoReplyState: "Disabled",
      ExternalAudience: "All",
      InternalMessage: "",
      ExternalMessage: "",
      Language: "en-GB",
    });
  });

  test("forbids it, a cmdlet that worked and answered with an error under a status of success is not forgotten", async () => {
    const world = await startWorld();
    const resource = await made(world, {});
    await world.fault({ service: "graph", method: "PATCH", path: "mailboxSettings", times: "always", answer: denied });
    const body = { error: { code: "InternalServerError", message: "Something went wrong." } };
    await world.fault({
      cmdlet: "Set-MailboxAutoReplyConfiguration",
      answer: { status: 200, when: "after", body },
    });
    expect(await failure(resource.up({ ...support, automaticReplies: away }))).toContain("Something went wrong");
    expect((await seen(world, resource)).automaticReplies).toMatchObject({ status: "alwaysEnabled" });
    await resource.up(support);
    expect((await seen(world, resource)).automaticReplies).toMatchObject({ status: "disabled" });
  });

  test("and Exchange both forbid it, the error names what each needs", async () => {
    const world = await startWorld({ config: { settleTimeout: "1s" } });
    const resource = await made(world, {});
    await world.fault({ service: "graph", path: "mailboxSettings", times: "always", answer: denied });
    await world.fault({
      cmdlet: "Get-MailboxAutoReplyConfiguration",
      times: "always",
      answer: { status: 403, body: {} },
    });
    const message = await failure(resource.up({ ...support, ...base }));
    expect(message).toContain("Access is denied");
    expect(message).toContain("MailboxSettings.ReadWrite");
    expect(message).toContain("Mail Recipients");
  });

  test("is not used, a format that equals the language's default can be taken back", async () => {
    const world = await startWorld({ config: { settleTimeout: "1s" } });
    await world.fault({ service: "graph", path: "mailboxSettings", times: "always", answer: denied });
    const resource = await made(world, { regional: { language: "da-DK" } });
    const shown = async () =>
      (await world.exchange("Get-MailboxRegionalConfiguration", { Identity: resource.id }))[0]?.DateFormat;
    const dateFormat = await shown();
    await resource.up({ ...support, regional: { language: "da-DK", dateFormat } });
    await resource.up({ ...support, regional: { language: "da-DK" } });
    expect(await shown()).toBe(dateFormat);
    await expectConverged(resource, { regional: { language: "da-DK" } });
  });
});

describe("bad input is refused in preview, by path", () => {
  const on = "alwaysEnabled";
  test.each<[string, Row]>([
    ["automaticReplies: must be an object", { automaticReplies: "on" }],
    ["automaticReplies.status: ", { automaticReplies: {} }],
    [
      'automaticReplies.status: must be "disabled", "alwaysEnabled" or "scheduled"',
      { automaticReplies: { status: "on" } },
    ],
    ["automaticReplies.externalAudience: must be", { automaticReplies: { status: on, externalAudience: "known" } }],
    ["automaticReplies.internalMessage: must be text", { automaticReplies: { status: on, internalMessage: 1 } }],
    [
      "automaticReplies.message: is not a property of automaticReplies",
      { automaticReplies: { status: on, message: "x" } },
    ],
    ["automaticReplies.start: is missing", { automaticReplies: { status: "scheduled", end: christmas.end } }],
    ["automaticReplies.end: is missing", { automaticReplies: { status: "scheduled", start: christmas.start } }],
    [
      'automaticReplies.start: goes with status "scheduled" only',
      { automaticReplies: { status: on, start: christmas.start } },
    ],
    [
      'automaticReplies.end: goes with status "scheduled" only',
      { automaticReplies: { status: "disabled", end: christmas.end } },
    ],
    [
      "automaticReplies.end: is not after start",
      { automaticReplies: { ...christmas, end: "2999-12-24T11:59:00+01:00" } },
    ],
    ["automaticReplies.end: is not after start", { automaticReplies: { ...christmas, end: christmas.start } }],
    ["automaticReplies.start: is not an ISO 8601 time", { automaticReplies: { ...christmas, start: "24/12/2999" } }],
    [
      "automaticReplies.start: is not an ISO 8601 time",
      { automaticReplies: { ...christmas, start: "2999-12-24T11:00:00" } },
    ],
    [
      "automaticReplies.start: is not an ISO 8601 time",
      { automaticReplies: { ...christmas, start: "2999-02-30T11:00:00Z" } },
    ],
    ["regional.language: is not a known language", { regional: { language: "xx-DK" } }],
    ["regional.language: is not a known language", { regional: { language: "da-XX" } }],
    ["regional.language: is not a known language", { regional: { language: "Danish" } }],
    ["regional.language: is a language without a country", { regional: { language: "da" } }],
    ["regional.timeZone: is not a time zone that Exchange knows", { regional: { timeZone: "Denmark Standard Time" } }],
    ["regional.timeZone: is not a time zone that Exchange knows", { regional: { timeZone: "Europe/Aarhus" } }],
    ["regional.dateFormat: is empty", { regional: { dateFormat: " " } }],
    [
      'regional.dateFormat: is not a format of en-GB; write one of "dd/MM/yyyy", "dd/MM/yy", "d/M/yy", "d.M.yy", "yyyy-MM-dd"',
      { regional: { language: "en-gb", dateFormat: "M/d/yyyy" } },
    ],
    ["regional.dateFormat: is not a format of en-US", { regional: { language: "en-US", dateFormat: "dd.MM.yyyy" } }],
    [
      "regional.dateFormat: has m where M is meant: capitals count; write e.g. dd-MM-yyyy",
      { regional: { language: "da-DK", dateFormat: "dd-mm-yyyy" } },
    ],
    ["regional.dateFormat: has D where d is meant", { regional: { dateFormat: "DD/MM/YYYY" } }],
    ["regional.dateFormat: has the letter H", { regional: { dateFormat: "dd.MM.yyyy HH:mm" } }],
    ["regional.dateFormat: needs a day (d), a month (M) and a year (y)", { regional: { dateFormat: "dd.MM." } }],
    [
      'regional.timeFormat: is not a format of it-IT; write "HH:mm"',
      { regional: { language: "it-IT", timeFormat: "HH.mm" } },
    ],
    ["regional.timeFormat: has M where m is meant", { regional: { timeFormat: "HH:MM" } }],
    ["regional.timeFormat: needs hours (H or h) and minutes (mm)", { regional: { timeFormat: "HH" } }],
    ["regional.localizeFolders: must be true or false", { regional: { localizeFolders: "yes" } }],
    ["regional.country: is not a property of regional", { regional: { country: "DK" } }],
  ])("%s", async (reason, program) => {
    const world = await startWorld();
    const message = await failure(world.resource("SharedMailbox", "support").check({ ...support, ...program }));
    expect(message).toMatch(new RegExp(`^${reason.replace(/[.?*+^$()|[\]\\]/g, "\\$&")}`));
  });
});
