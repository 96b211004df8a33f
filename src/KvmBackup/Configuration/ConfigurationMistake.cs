namespace KvmBackup.Configuration;

/// <summary>One thing that is wrong in a configuration file, and how to put it right.</summary>
/// <param name="File">As it was named.</param>
/// <param name="Line">From 1; 0 when the file as a whole is concerned.</param>
/// <param name="Key">Where in the tree: <c>cloud1.domains.web1.rotate</c>; empty for none.</param>
/// <param name="Problem">What is wrong.</param>
/// <param name="Mend">What to do.</param>
public sealed record ConfigurationMistake(string File, int Line, string Key, string Problem, string Mend)
{
    /// <summary>One line, as compilers write them.</summary>
    public override string ToString()
    {
        string place = Line > 0 ? $"{File}:{Line}: " : $"{File}: ";
        string key = Key.Length > 0 ? $"{Key}: " : string.Empty;
        return $"{place}{key}{Problem}; {Mend}";
    }
}
