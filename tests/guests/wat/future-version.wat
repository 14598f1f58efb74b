;; world: future-version
;; Exports the HTTP handler of a version that does not exist.
(module
  (func (export "wasi:http/incoming-handler@7.0.0#handle")))
