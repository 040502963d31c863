import { json } from './parse.ts'

/** What a library of validation gives (Standard Schema, version 1): zod, valibot, arktype and others. */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] }

/** Schemas by event type. */
export type SchemaMap = { [type: string]: StandardSchema }

/** The event map that schemas make: each type with what its schema puts out. */
export type EventsOf<Schemas extends SchemaMap> = {
  [Type in keyof Schemas]: NonNullable<Schemas[Type]['~standard']['types']>['output']
}

/**
 * Parses and validates. Types without a schema pass as they are.
 *
 * @throws Error with the `issues`, or what `parse` throws
 */
export const validating =
  (parse: (data: string, type: string) => unknown = json, schemas: SchemaMap = {}) =>
  (data: string, type: string): unknown => {
    const payload = parse(data, type)
    // A server may name a type `constructor`.
    if (!Object.hasOwn(schemas, type)) return payload
    const result = schemas[type]!['~standard'].validate(payload)
    // Listeners run in the order of the events. An asynchronous schema would hold up all events behind it.
    if (result instanceof Promise) throw new TypeError('A schema must not be asynchronous.')
    if (result.issues) throw Object.assign(new Error(result.issues[0]?.message), { issues: result.issues })
    return result.value
  }
