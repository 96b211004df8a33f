namespace KvmBackup.Model;

/// <summary>How the job of one domain ended.</summary>
public enum JobOutcome
{
    Succeeded,

    /// <summary>Not due.</summary>
    Skipped,

    /// <summary>A dry run has found nothing that speaks against it.</summary>
    Planned,
    Failed,

    /// <summary>The guest is left in a state that needs a person.</summary>
    NeedsPerson,
}
