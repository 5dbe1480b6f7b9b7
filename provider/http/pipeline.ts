export type { Answer, Call, CallContext, Service, TokenOptions, TokenSource } from "./call";
