namespace KvmBackup.Configuration;

/// <summary>Gathers the mistakes of one file, so that all are told at once.</summary>
internal sealed class MistakeList(string file)
{
    private readonly List<ConfigurationMistake> _mistakes = [];

    /// <summary>Adds a mistake; what many domains inherit is told once.</summary>
    public void Add(int line, string key, string problem, string mend)
    {
        ConfigurationMistake mistake = new(file, line, key, problem, mend);
        if (!_mistakes.Contains(mistake))
        {
            _mistakes.Add(mistake);
        }
    }

    public void ThrowIfAny()
    {
        if (_mistakes.Count > 0)
        {
            throw new ConfigurationException([.. _mistakes.OrderBy(mistake => mistake.Line)]);
        }
    }
}
