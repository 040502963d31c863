import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { readHead, verifyChain } from './audit-chain.ts'
import { archiveFile, filesOf, headFile } from './audit-files.ts'

/**
 * `tsx demo/server/audit/audit-verify.ts FILE [SEQ:HASH]`: exit code 0 if the chain is whole, 1 if it isn't. The head is
 * FILE.head, its key AUDIT_KEY or the one beside the log; SEQ:HASH is what an earlier run has printed.
 */
const verify = async (file: string, kept: string | undefined): Promise<string> => {
  const key = process.env.AUDIT_KEY ?? readFileSync(join(dirname(file), 'audit-key'), 'utf8')
  if (key === '') throw new Error('AUDIT_KEY is empty: nothing is sealed by no key.')
  const head = readHead(headFile(file), key)
  if (!head) throw new Error(`${headFile(file)} is missing: without it nobody can tell whether lines are.`)
  const match = kept === undefined ? undefined : /^(\d+):([0-9a-f]{64})$/.exec(kept)
  if (match === null) throw new Error('SEQ:HASH is what an earlier run has printed.')
  // A server that was killed between a file's end and the next one's beginning.
  const number = existsSync(archiveFile(file, head.file)) ? head.file + 1 : head.file
  const result = await verifyChain(
    filesOf(file, number),
    head,
    match && { seq: Number(match[1]), hash: match[2]! },
  )
  if (result.state === 'broken') throw new Error(`${result.file}:${result.line}: ${result.reason}`)
  const lines = result.head.seq - result.from + 1
  const earlier = result.from > 1 ? ` The ${result.from - 1} before them are in files that are not here.` : ''
  const beyond = result.beyond > 0 ? ` ${result.beyond} of them are not in the head yet.` : ''
  return `${lines} lines, whole.${earlier}${beyond} Keep this elsewhere: ${result.head.seq}:${result.head.hash}`
}

const [file, kept] = parseArgs({ allowPositionals: true }).positionals
if (file === undefined) {
  console.error('Name the log: npm run audit:verify -- .data/server/audit.jsonl')
  process.exitCode = 2
} else {
  await verify(file, kept).then(
    (message) => console.log(message),
    (error: Error) => {
      console.error(error.message)
      process.exitCode = 1
    },
  )
}
