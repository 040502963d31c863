import { existsSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'

/** What `npm run build` left; `npm test` builds first. */
const built = (file: string) => {
  const url = new URL(`../../dist/${file}`, import.meta.url)
  if (!existsSync(url)) throw new Error('There is no dist/: run `npm run build` first.')
  return readFileSync(url, 'utf8')
}
const gzipped = (file: string) => gzipSync(built(file), { level: 9 }).length
const imports = (code: string) => [
  ...code.matchAll(/(?:^|[;}])\s*(?:import|export)[^;]*?from\s*["'`]([^"'`]+)/g),
]

describe('the built package', () => {
  // 5 and 14 kB with one hub a key. Recovery and leadership (T2, L1 to L4) cost 0.8 and 3.6 kB more, sign-out and
  // the loop of tokens (A2 to A5) 0.3 and 1.7 kB; what an inspector asks for (I1, I2) 0.1 and 0.5 kB; schemas and headers (D9) 0.2 kB; pace, packing and shared reads (P1, P3) 0.1 and 0.6 kB;
  // what a tab remembers, and whose logs are whose (D2, D5, L3), 0.5 and 0.3 kB; tasks of their own length for a batch (P8) 0.1 kB,
  // and to find other tabs while workers hang (T2) 0.1 kB. The attachment as states, and calls that go on at the next
  // hub, cost the page 0.6 kB; a browser, a script or a worker file that refuses (T2) 1.0 kB; options that are checked by
  // name, and one list of credentials (A1), 0.9 kB; the digest in the key (A3) 0.2 kB; opened(), errors in the console and
  // counted data that does not parse (D5, D8) 0.4 kB. Options of another type that are refused by name (T2) cost 0.1 kB. Hidden tabs and urgent listeners (H1, H2) cost 0.3 and 0.75 kB.
  // One tab that pings for all (P11) and acknowledgements that wait (P12) cost 0.3 kB.
  // Topics (TO2 to TO6) cost the page 1.6 kB: handles and what they hear, names that are checked, and five options.
  // Claims (C1) cost it 0.3 kB: the call, and the loading of claims.js with what becomes of a file that is missing.
  // Reads of the log and state (ST1 to ST6) cost it 0.45 kB: the calls, what `state()` gives at once, and the loading of state.js.
  it('P16 gives a page at most 13.5 kB, comlink included, and no idb', () => {
    expect(gzipped('index.js')).toBeLessThanOrEqual(13_500)
    expect(built('index.js')).toContain('comlink proxy')
    expect(built('index.js')).not.toMatch(/indexedDB|IDB[A-Z]/)
  })

  // What the worker does for the servers, tokens and browsers that exist (S3 to S7, A2, A3, A5, A7, B1, B3, D1, D3, D5, H1, H2, L1, L5)
  // costs it 12 kB: docs/performance.md. Topics (TO1 to TO9) cost it 4 kB,
  // claims (C1 to C7) 3.7 kB: their accounts, which page is chosen, and what survives the death of whom.
  // That tabs read the log (ST1, ST2) costs it 1.1 kB, loads of all tabs (ST5) 1.7 kB, and events that outlive trimming (ST3)
  // 0.8 kB.
  it('P16 has a worker file of at most 45.9 kB that needs no other file', () => {
    expect(gzipped('stream.worker.js')).toBeLessThanOrEqual(45_900)
    for (const file of [
      'stream.worker.js',
      'worker.js',
      'index.js',
      'verify.js',
      'inspector.js',
      'claims.js',
    ])
      expect(imports(built(file)), file).toEqual([])
    for (const file of ['stream.worker.js', 'worker.js', 'verify.js', 'inspector.js', 'claims.js'])
      expect(built(file), file).not.toMatch(/\bimport\s*\(/)
  })

  it('I3 has nothing of the inspector in another file, which is imported by a name that bundlers can follow', () => {
    const imported = (file: string) =>
      [...built(file).matchAll(/\bimport\s*\((["'`])([^)]*)\1\)/g)].map(([, , name]) => name).sort()
    expect(imported('index.js')).toEqual(['./claims.js', './inspector.js', './state.js'])
    expect(imported('testing.js')).toEqual(['./inspector.js'])
    for (const file of ['index.js', 'testing.js', 'worker.js', 'claims.js'])
      expect(built(file), file).not.toMatch(/uplot|adoptedStyleSheets/i)
    // 0.6 kB are the panel of topics, and their entries in the log. 0.15 kB are the line of claims.
    expect(gzipped('inspector.js')).toBeLessThanOrEqual(37_750)
  })

  it('ST1 leaves the code that reads the log to whoever calls it: at most 4 kB, in a file of its own', () => {
    expect(gzipped('state.js')).toBeLessThanOrEqual(4_000)
    expect(imports(built('state.js'))).toEqual([])
  })

  it('C1 leaves the code of claims to whoever claims: at most 1.8 kB, in a file of its own', () => {
    expect(gzipped('claims.js')).toBeLessThanOrEqual(1_800)
    expect(built('claims.js')).toContain('pagehide')
  })

  it('I3 has an inspector that needs no looser Content-Security-Policy: no markup, style or code out of text', () => {
    expect(built('inspector.js')).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|setAttribute\([`"']style|createElement\([`"']style|\beval\(|new Function/,
    )
    expect(built('inspector.js')).toContain('adoptedStyleSheets')
  })

  it('A5 leaves signatures to whoever verifies: at most 6 kB, and none of it in another file', () => {
    expect(gzipped('verify.js')).toBeLessThanOrEqual(6_000)
    expect(built('verify.js')).toContain('Ed25519')
    for (const file of ['stream.worker.js', 'worker.js', 'index.js'])
      expect(built(file), file).not.toMatch(/Ed25519|tabstream-event\+jwt/)
  })

  it('E1 shares the page entry with SharedEventSource, which is little more', () => {
    expect(imports(built('event-source.js')).map(([, from]) => from)).toEqual(['./index.js'])
    // Also with `replay`.
    expect(gzipped('event-source.js')).toBeLessThanOrEqual(1_200)
  })

  // 0.05 kB are for selectors that nest new objects, or give what has no properties, such as a Date.
  // 0.2 kB are for `useTopic`, and for events of a topic. 0.07 kB are `useClaim`.
  // 0.15 kB are `useStreamState`.
  it('X2 adds at most 1.5 kB for React, which it imports and nothing else', () => {
    expect(imports(built('react.js')).map(([, from]) => from)).toEqual(['react'])
    expect(gzipped('react.js')).toBeLessThanOrEqual(1_500)
  })

  // 0.15 kB are `useStreamState`.
  it('X6 adds at most 1.4 kB for Vue, for Svelte and for Solid, each of which imports its framework and nothing else', () => {
    const own = { vue: ['vue'], svelte: ['svelte', 'svelte/store'], solid: ['solid-js'] }
    for (const [name, from] of Object.entries(own)) {
      expect(imports(built(`${name}.js`)).map(([, from]) => from)).toEqual(from)
      expect(gzipped(`${name}.js`), name).toBeLessThanOrEqual(1_400)
    }
  })

  it('X7 adds at most 2.5 kB for all that tabstream/query has, which imports nothing', () => {
    expect(imports(built('query.js'))).toEqual([])
    expect(gzipped('query.js')).toBeLessThanOrEqual(2_500)
  })

  // 1.6 kB are topics: the page's own code, so that handles behave as they do there. 1 kB are claims.
  // 1.5 kB are a log in memory, and what a hub answers of it.
  it('X1 has a stream for tests of at most 6.6 kB beside the page entry', () => {
    expect(
      imports(built('testing.js'))
        .map(([, from]) => from)
        .sort(),
    ).toEqual(['./index.js', './state.js'])
    expect(gzipped('testing.js')).toBeLessThanOrEqual(6_600)
  })

  it('names its worker in the one form that bundlers look for', () => {
    expect(built('index.js')).toMatch(
      /new SharedWorker\(new URL\('\.\/stream\.worker\.js', ?import\.meta\.url\), ?\{/,
    )
  })

  it('exports what the README names, and nothing else', () => {
    const names = (file: string) =>
      /export\{([^}]*)\}/
        .exec(built(file))![1]!
        .split(',')
        .map((name) => name.split(' as ').at(-1))
    expect(names('index.js').sort()).toEqual(['Snapshot', 'StreamError', 'connect', 'text'])
    expect(names('event-source.js')).toEqual(['SharedEventSource'])
    const hooks = [
      'useClaim',
      'useEvent',
      'useLatest',
      'useStatus',
      'useStream',
      'useStreamState',
      'useTopic',
    ]
    for (const framework of ['vue', 'solid'])
      expect(names(`${framework}.js`).sort(), framework).toEqual(['StreamProvider', ...hooks])
    expect(names('svelte.js').sort()).toEqual(['provideStream', ...hooks])
    expect(names('query.js').sort()).toEqual([
      'bindQueries',
      'streamCollection',
      'streamQuery',
      'streamSubscription',
    ])
    expect(names('inspector.js')).toEqual(['openInspector'])
    expect(names('testing.js')).toEqual(['createTestStream'])
    expect(names('worker.js')).toEqual(['serve'])
    expect(names('verify.js')).toEqual(['createVerifier'])
  })

  it('invents no globals for fetch-event-source: `window` and `document` are bound in its module only', () => {
    expect(built('stream.worker.js')).not.toMatch(
      /globalThis\.(window|document)\s*=|self\.(window|document)\s*=/,
    )
  })

  it('P16 shortens names of methods alone: those of data reach other versions over ports, channels and disks', () => {
    const worker = built('stream.worker.js')
    for (const method of ['relayCommitted', 'commitSoon', 'exceedKnown']) expect(worker).not.toContain(method)
    for (const data of [
      'committedUpTo',
      'epochStart',
      'lastEventId',
      'oldestAt',
      'streamClient',
      'trimBelow',
    ])
      expect(worker).toMatch(new RegExp(`\\b${data}\\b`))
    // What a tab calls at its hub, and a verifier at its worker.
    for (const method of ['attach', 'signedOut', 'dropLog', 'inspect', 'onConnectivity'])
      expect(worker).toMatch(new RegExp(`\\b${method}\\b`))
    for (const method of ['deliver', 'accessToken', 'onReset', 'openInspector'])
      expect(built('index.js')).toMatch(new RegExp(`\\b${method}\\b`))
  })

  it('has no runtime dependency', () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(manifest.dependencies ?? {}).toEqual({})
    for (const version of Object.values<string>(manifest.devDependencies))
      expect(version).toMatch(/^(npm:[\w-]+@)?\d/)
  })
})
