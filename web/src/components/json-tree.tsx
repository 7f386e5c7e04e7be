import { useState } from 'react';
import classes from './json-tree.module.css';

type Props = {
  value: unknown;
  /** What the paths begin with, such as `$headers`. */
  root?: string;
  /** Called with the path of a value that is clicked, such as `commits.0.id`; without it nothing can be clicked. */
  onPick?: (path: string, value: unknown) => void;
};

const mostChildren = 100;
const openDepth = 2;
/** Of a text; it may be as long as a file. */
const mostCharacters = 500;

/** A body or headers as a tree that opens and closes. */
export function JsonTree({ value, root = '', onPick }: Props) {
  return (
    <div className={classes['tree']}>
      <Node value={value} path={root} depth={0} {...(onPick ? { onPick } : {})} />
    </div>
  );
}

type NodeProps = { name?: string; value: unknown; path: string; depth: number; onPick?: Props['onPick'] };

function Node({ name, value, path, depth, onPick }: NodeProps) {
  const [isOpen, setOpen] = useState(depth < openDepth);
  const [isWhole, setWhole] = useState(false);
  if (typeof value !== 'object' || value === null) return <Leaf {...{ name, value, path, onPick }} />;
  const entries = Object.entries(value);
  const isArray = Array.isArray(value);
  const shown = isWhole ? entries : entries.slice(0, mostChildren);
  const size = isArray ? `[${entries.length}]` : `{${entries.length}}`;
  return (
    <div>
      <span className={classes['line']}>
        <button
          type="button"
          className={classes['fold']}
          aria-expanded={isOpen}
          aria-label={`${name ?? 'All'}, ${entries.length} inside`}
          onClick={() => setOpen(!isOpen)}
        >
          {isOpen ? '▾' : '▸'}
        </button>
        {name !== undefined && <Name {...{ name, value, path, onPick }} />}
        <span className={classes['size']}>{size}</span>
      </span>
      {isOpen && (
        <div className={classes['children']}>
          {shown.map(([key, child]) => (
            <Node
              key={key}
              name={key}
              value={child}
              path={path ? `${path}.${key}` : key}
              depth={depth + 1}
              {...(onPick ? { onPick } : {})}
            />
          ))}
          {shown.length < entries.length && (
            <button type="button" className={classes['pick']} onClick={() => setWhole(true)}>
              {`${entries.length - shown.length} more`}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

type Part = { name?: string | undefined; value: unknown; path: string; onPick?: Props['onPick'] };

function Name({ name, value, path, onPick }: Part) {
  if (!onPick) return <span className={classes['name']}>{name}:</span>;
  return (
    <button
      type="button"
      className={`${classes['pick']} ${classes['name']}`}
      title={`Take ${path}`}
      onClick={() => onPick(path, value)}
    >
      {name}:
    </button>
  );
}

function Leaf({ name, value, path, onPick }: Part) {
  const text = typeof value === 'string' ? quoted(value) : String(value);
  const kind = value === null ? 'null' : typeof value;
  return (
    <span className={`${classes['line']} ${classes['leaf']}`}>
      {name !== undefined && <span className={classes['name']}>{name}:</span>}
      {onPick ? (
        <button
          type="button"
          className={classes['pick']}
          data-kind={kind}
          title={`Take ${path}`}
          onClick={() => onPick(path, value)}
        >
          {text}
        </button>
      ) : (
        <span data-kind={kind}>{text}</span>
      )}
    </span>
  );
}

function quoted(value: string): string {
  const text = JSON.stringify(value.slice(0, mostCharacters));
  return value.length > mostCharacters ? `${text} … ${value.length} characters` : text;
}
