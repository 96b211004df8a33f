namespace KvmBackup.Model;

/// <summary>How the job of one domain ended.</summary>
public enum JobOutcome
{
    Succeeded,

    /// <summary>Not due, or only planned in a dry run.</summary>
    Skipped,
    Failed,

    /// <summary>The guest is left in a state that needs a person.</summary>
    NeedsPerson,
}
