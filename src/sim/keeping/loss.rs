//! Why writes and sessions are lost.

/// Why writes and sessions were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LossCause {
    Crash,
    MachineLoss,
    Promotion,
    Partition,
    Deployment,
    ScaleIn,
    Misrouted,
    SigningKey,
    Change,
    CookieIgnored,
    Eviction,
}

impl LossCause {
    pub(in crate::sim) const ALL: [Self; 11] = [
        Self::Crash,
        Self::MachineLoss,
        Self::Promotion,
        Self::Partition,
        Self::Deployment,
        Self::ScaleIn,
        Self::Misrouted,
        Self::SigningKey,
        Self::Change,
        Self::CookieIgnored,
        Self::Eviction,
    ];

    pub(in crate::sim) fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::MachineLoss => "machine_loss",
            Self::Promotion => "promotion",
            Self::Partition => "partition",
            Self::Deployment => "deployment",
            Self::ScaleIn => "scale_in",
            Self::Misrouted => "misrouted",
            Self::SigningKey => "signing_key",
            Self::Change => "change",
            Self::CookieIgnored => "cookie_ignored",
            Self::Eviction => "eviction",
        }
    }
}
