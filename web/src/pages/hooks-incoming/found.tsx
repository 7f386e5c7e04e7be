import classes from './hook.module.css';

const mostCharacters = 300;

/** A value that was found in a payload. */
export function Found({ value }: { value: unknown }) {
  if (value === null || value === undefined) return <em>nothing</em>;
  const text = JSON.stringify(value);
  return (
    <span className={classes['found']}>
      {text.length > mostCharacters ? `${text.slice(0, mostCharacters)} …` : text}
    </span>
  );
}
