import { isOwnTopic, isTopicName, longestTopic, ownTopicOf } from '../store/topic-names.ts'

/**
 * Whether a user may have a topic; undefined: there is no such topic. Asked when it is joined, and again as long as it is held.
 * Say yes to names of what there is alone: each name that a stream holds costs the server a subscription.
 */
export type AuthorizeTopic = (
  user: string,
  topic: string,
) => boolean | undefined | Promise<boolean | undefined>

/** Whether a user may publish to a topic that is not the own one. */
export type AuthorizePublish = (user: string, topic: string) => boolean | Promise<boolean>

/** Topics that one stream may hold. */
export const mostTopicsOfStream = 100

/**
 * What R7 says of a topic: 200 granted, 403 not granted, 404 no such topic, 413 a name that is too long, 429 one topic too
 * many, 503 nobody can say.
 */
export type TopicStatus = 200 | 403 | 404 | 413 | 429 | 503

/** Judges the topics that a user asks for, in the order of the question. */
export type JudgeTopics = (user: string, names: readonly string[]) => Promise<Map<string, TopicStatus>>

export const createJudgeTopics = (
  authorizeTopic: AuthorizeTopic,
  onError: (error: unknown) => void,
): JudgeTopics => {
  const judge = async (user: string, name: string): Promise<TopicStatus> => {
    if (!isTopicName(name)) return 404
    if (Buffer.byteLength(name) > longestTopic) return 413
    // Personal, so that no answer of the application can give one user another's.
    if (isOwnTopic(name)) return name === ownTopicOf(user) ? 200 : 403
    try {
      const answer = await authorizeTopic(user, name)
      if (answer === undefined) return 404
      return answer ? 200 : 403
    } catch (error) {
      onError(error)
      return 503
    }
  }

  return async (user, names) => {
    const asked = [...new Set(names)]
    const verdicts = asked.map(
      async (name, index): Promise<[string, TopicStatus]> => [
        name,
        index < mostTopicsOfStream ? await judge(user, name) : 429,
      ],
    )
    return new Map(await Promise.all(verdicts))
  }
}
