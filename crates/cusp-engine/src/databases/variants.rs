//! Variants that interfaces have twice, and versions of interfaces thrice.

/// What a guest gives as a parameter, and what it is given as a value, which may also be of a type
/// that the interface has no case for.
macro_rules! parameter_and_value {
    (Unsupported $(($bytes:ty))?; $($case:ident($payload:ty) = $name:tt,)*) => {
        #[derive(ComponentType, Lift, Lower, Debug)]
        #[component(variant)]
        pub enum Parameter {
            $(#[component(name = $name)] $case($payload),)*
            #[component(name = "db-null")]
            Null,
        }

        #[derive(ComponentType, Lift, Lower, Debug, PartialEq)]
        #[component(variant)]
        pub enum Value {
            $(#[component(name = $name)] $case($payload),)*
            #[component(name = "db-null")]
            Null,
            #[component(name = "unsupported")]
            Unsupported $(($bytes))?,
        }
    };
}

/// From one variant to another with cases of the same names; `else` is for those that it lacks.
macro_rules! same_cases {
    ($from:ty => $to:ty: $($case:ident)* $(, else $other:ident)?) => {
        impl From<$from> for $to {
            fn from(given: $from) -> $to {
                type Given = $from;
                match given {
                    $(Given::$case(value) => Self::$case(value),)*
                    Given::Null => Self::Null,
                    $(_ => Self::$other,)?
                }
            }
        }
    };
}

pub(super) use {parameter_and_value, same_cases};
