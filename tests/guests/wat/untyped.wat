;; shape: plain
;; A core module without a component type: neither a component nor a WASI command.
(module
  (func (export "handle") (result i32) (i32.const 200)))
