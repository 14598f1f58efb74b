;; world: no-http-export
;; A component that exports a function and serves no HTTP.
(module
  (func (export "greet") (result i32) (i32.const 42)))
