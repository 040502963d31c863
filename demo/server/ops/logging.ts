import type { FastifyRequest } from 'fastify'
import { withoutQueryValues } from '../http/credential-in-url.ts'

/** Wherever it may turn up in what is logged. Removed rather than masked: a mask tells that there was one. */
const secrets = [
  'authorization',
  'dpop',
  'cookie',
  'set-cookie',
  'token',
  'sse_token',
  'access_token',
  'password',
]
const depths = ['', '*.', '*.*.', '*.*.*.']

/** The word after `Bearer` or `DPoP`, and a JWT by its look: the messages of errors that others make. */
const withoutTokens = (text: string) =>
  text.replace(/((?:Bearer|DPoP)\s+)\S+/gi, '$1...').replace(/eyJ[\w-]*\.[\w-]+\.[\w-]*/g, '...')

/** Passwords of Redis's address are in some of its errors. */
const withoutPasswords = (text: string) => text.replace(/(\w+:\/\/[^:/@\s]*):[^@\s]+@/g, '$1:...@')

const clean = (text = '') => withoutPasswords(withoutTokens(text))

type Described = { type: string; message: string; stack: string; cause?: Described }

const describe = (error: Error): Described => ({
  type: error.constructor.name,
  message: clean(error.message),
  stack: clean(error.stack),
  ...(error.cause instanceof Error ? { cause: describe(error.cause) } : {}),
})

/** Options of pino, through Fastify: one JSON object a line, and no credential in any. */
export const loggerOptions = (logger: boolean | { write(line: string): void }) =>
  logger !== false && {
    level: 'info',
    redact: {
      paths: secrets.flatMap((name) => depths.map((depth) => `${depth}["${name}"]`.replace('.[', '['))),
      remove: true,
    },
    serializers: {
      req: (request: FastifyRequest) => ({
        method: request.method,
        url: withoutQueryValues(request.url),
        address: request.ip,
        client: request.headers['stream-client'],
        lastEventId: request.headers['last-event-id'],
      }),
      err: describe,
    },
    ...(logger === true ? {} : { stream: logger }),
  }
