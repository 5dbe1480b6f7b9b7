const { request: httpRequest } = require("node:http");

/** The seed `contoso`: its tenant, and its application with every right. */
const TENANT = "10ca17e4-a000-4000-8000-000000000001";
const APPLICATION = "10ca17e4-a000-4000-8000-000000000002";
const SECRET = "local-tenant-secret";

/** Sends one request: a quarter of the processor time of `fetch`, of which tests make tens of thousands. */
function exchangeMessages(url, method, headers, body, agent) {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers, agent }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode, text }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** An answer of 400 and above. */
class Refusal extends Error {
  constructor(request, status, text) {
    super(`${request}: ${status} ${text}`);
    this.status = status;
  }
}

/**
 * A client of a local tenant that shares no code with the package: plain requests, the sign-in and the three services as any client
 * uses them, and the control interface. Tests and scripts look and change by it.
 */
class TenantClient {
  #tokens = new Map();
  #agent;

  constructor(origin, tenantId = TENANT, agent = false) {
    this.#agent = agent;
    this.origin = origin;
    this.tenantId = tenantId;
    this.clientId = APPLICATION;
    this.clientSecret = SECRET;
  }

  async exchange(cmdlet, parameters = {}) {
    const answer = await this.request("exchange", "POST", `/adminapi/beta/${this.tenantId}/InvokeCommand`, {
      CmdletInput: { CmdletName: cmdlet, Parameters: parameters },
    });
    return answer?.value ?? [];
  }

  graph(method, path, body) {
    return this.request("graph", method, `/v1.0${path}`, body);
  }

  dataverse(method, path, body) {
    return this.request("dataverse", method, `/api/data/v9.2${path}`, body);
  }

  async request(service, method, path, body) {
    const anchor = `APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@${this.tenantId}`;
    return await this.#send(method, path, body, {
      Authorization: `Bearer ${await this.#token(service)}`,
      ...(service === "exchange" ? { "X-AnchorMailbox": anchor } : {}),
    });
  }

  control(method, path, body) {
    return this.#send(method, `/_tenant/${path}`, body);
  }

  async reset() {
    this.#tokens.clear();
    await this.control("POST", "reset", { seed: "contoso" });
  }

  #token(service) {
    const known = this.#tokens.get(service);
    if (known !== undefined) {
      return known;
    }
    const signingIn = this.#signIn(service);
    this.#tokens.set(service, signingIn);
    // A sign-in that failed is tried again by the next request.
    signingIn.catch(() => this.#tokens.delete(service));
    return signingIn;
  }

  async #signIn(service) {
    const resource = {
      exchange: "https://outlook.office365.com",
      graph: "https://graph.microsoft.com",
      dataverse: this.origin,
    }[service];
    const url = `${this.origin}/${this.tenantId}/oauth2/v2.0/token`;
    const form = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: this.clientId,
      client_secret: this.clientSecret,
      scope: `${resource}/.default`,
    });
    const headers = { "Content-Type": "application/x-www-form-urlencoded" };
    const { status, text } = await exchangeMessages(url, "POST", headers, form.toString(), this.#agent);
    if (status >= 400) {
      throw new Refusal(`a token for ${service}`, status, text);
    }
    return JSON.parse(text).access_token;
  }

  async #send(method, path, body, headers = {}) {
    const all = {
      Accept: "application/json",
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...headers,
    };
    const json = body === undefined ? undefined : JSON.stringify(body);
    const { status, text } = await exchangeMessages(this.origin + path, method, all, json, this.#agent);
    if (status >= 400) {
      throw new Refusal(`${method} ${path}`, status, text);
    }
    return text === "" ? undefined : JSON.parse(text);
  }
}

module.exports = { Refusal, TenantClient };
