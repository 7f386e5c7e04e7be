/** What the generated client calls by the name that browsers have for it; Node's types have it without a name. */
type BodyInit = NonNullable<RequestInit['body']>;
