import { readFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import type { Counts } from './counts.ts'

/** Lines of a message that are kept: what was expected and what came stands there, the stack does not. */
const LINES = 12

const describe = (name: string, message: string): string => {
  const lines = stripVTControlCharacters(message).split('\n')
  return [name, ...lines.slice(0, LINES).map((line) => `    ${line}`)].join('\n')
}

export const readVitest = (path: string): Counts => {
  const report = JSON.parse(readFileSync(path, 'utf8'))
  const failures: string[] = []
  for (const { name: file, message, status, assertionResults } of report.testResults) {
    if (status === 'failed' && assertionResults.length === 0) failures.push(describe(file, message))
    for (const { fullName, status: outcome, failureMessages } of assertionResults)
      if (outcome === 'failed') failures.push(describe(fullName, failureMessages[0] ?? ''))
  }
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
    failures,
  }
}

interface Suite {
  suites?: Suite[]
  specs: {
    title: string
    file: string
    tests: { projectName: string; status: string; results: { error?: { message?: string } }[] }[]
  }[]
}

export const readPlaywright = (path: string): Counts => {
  const report = JSON.parse(readFileSync(path, 'utf8'))
  const failures: string[] = []
  const collect = ({ suites = [], specs }: Suite) => {
    for (const { title, file, tests } of specs)
      for (const { projectName, status, results } of tests)
        if (status === 'unexpected' || status === 'flaky')
          failures.push(describe(`[${projectName}] ${file}: ${title}`, results[0]?.error?.message ?? ''))
    suites.forEach(collect)
  }
  report.suites.forEach(collect)
  const { expected, unexpected, flaky, skipped } = report.stats
  return { passed: expected, failed: unexpected + flaky, skipped, failures }
}
